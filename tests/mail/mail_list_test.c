/* mail_list_test.c - RFC 2919 section 3, RFC 2369 section 3.4: the domains that
 * a mailing list claims */
#include "mail/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"

enum { MEMORY = 1 << 16, SHOWN_MAX = 500 };

struct mail_list_vector {
	const char *name;
	const char *header;
	const char *want; /* in the form "FIELD DOMAIN, ..." */
};

static void
show_claims(struct buf *b, const struct mail_list_claim *claims, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(b, "%s%s ", i > 0 ? ", " : "", claims[i].field);
		buf_span(b, claims[i].domain);
	}
}

static void
run_vectors(const struct mail_list_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct arena *a = arena_new(MEMORY);
		struct mail_header h = { .n = 0 };
		struct mail_list_claim claims[MAIL_LIST_CLAIMS_MAX];
		char memory[SHOWN_MAX];
		struct buf b = buf_wrap(memory, sizeof(memory));
		size_t found;

		assert_non_null(a);
		mail_header_read(&h, a, span_str(v->header));
		show_claims(&b, claims, mail_list_claims(&h, a, claims));
		if (!span_is(buf_view(&b), v->want))
			fail_msg("%s: got \"%.*s\", want \"%s\"", v->name,
			    SPAN_FMT(buf_view(&b)), v->want);
		/* if memory runs out, there are no claims */
		arena_fail_at(a, 1);
		found = mail_list_claims(&h, a, claims);
		assert_int_equal(found, 0);
		arena_free(a);
	}
}

static void
rfc2919_3_and_rfc2369_3_4_the_domain_of_a_claim(void **state)
{
	static const struct mail_list_vector vectors[] = {
		{ .name = "none",
		    .header = "From: a@b.example\r\nList-Unsubscribe: "
			      "<mailto:u@b.example>\r\nPrecedence: list\r\n",
		    .want = "" },
		{ .name = "List-Id",
		    .header = "List-Id: A list <Talk.Lists.Example>\r\n",
		    .want = "List-Id talk.lists.example" },
		{ .name = "RFC 2919's localhost",
		    .header =
			"List-Id: <da39efc25c530ad145d41b86f7420c3b.052000."
			"localhost>\r\n",
		    .want = "List-Id da39efc25c530ad145d41b86f7420c3b.052000."
			    "localhost" },
		{ .name = "no name in it",
		    .header = "List-Id: A list\r\n",
		    .want = "" },
		{ .name = "no domain name",
		    .header = "List-Id: <a..b>\r\n",
		    .want = "" },
		{ .name = "the first of several",
		    .header = "List-Id: <a.example>\r\nList-Id: "
			      "<b.example>\r\n",
		    .want = "List-Id a.example" },
		{ .name = "List-Post",
		    .header = "List-Post: <mailto:talk@lists.example>\r\n",
		    .want = "List-Post lists.example" },
		{ .name = "with more, and in capitals",
		    .header = "List-Post: <https://x.example/p>,\r\n"
			      " <MAILTO:talk@lists.example?subject=a@b.c>\r\n",
		    .want = "List-Post lists.example" },
		{ .name = "no posts accepted",
		    .header = "List-Post: NO (see a@b.example)\r\n",
		    .want = "" },
		{ .name = "a URL alone",
		    .header = "List-Post: <https://u@lists.example/p>\r\n",
		    .want = "" },
		{ .name = "no closing bracket",
		    .header = "List-Post: <mailto:talk@lists.example\r\n",
		    .want = "List-Post lists.example" },
		{ .name = "ezmlm's",
		    .header = "Mailing-List: contact dev-help@lists.example; "
			      "run by ezmlm\r\n",
		    .want = "Mailing-List lists.example" },
		{ .name = "no address",
		    .header = "Mailing-List: ezmlm\r\n",
		    .want = "" },
		{ .name = "no domain after the @",
		    .header = "Mailing-List: contact a@ b.example\r\n",
		    .want = "" },
		{ .name = "a final dot",
		    .header = "Mailing-List: contact a@b.example.\r\n",
		    .want = "Mailing-List b.example" },
		{ .name = "all, in order of precedence",
		    .header = "Mailing-List: contact a@c.example\r\n"
			      "List-Post: <mailto:a@b.example>\r\n"
			      "List-Id: <a.example>\r\n",
		    .want = "List-Id a.example, List-Post b.example, "
			    "Mailing-List c.example" },
		{ .name = "names that only look alike",
		    .header = "X-List-Id: <a.example>\r\n"
			      "List-Id-X: <b.example>\r\n",
		    .want = "" },
	};

	(void)state;
	run_vectors(vectors, ARRAY_SIZE(vectors));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rfc2919_3_and_rfc2369_3_4_the_domain_of_a_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
