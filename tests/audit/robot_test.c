/* robot_test.c - which messages the robot answers, and how often (RFC 3834) */
#include "audit/message/robot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/date.h"
#include "lib/enum_names.h"
#include "mail/header.h"

enum { MEMORY = 1 << 20, NOW = 1767225600 };

/* ---- one message ---- */

static const struct {
	const char *name;
	const char *header;         /* fields after From; NULL: none */
	const char *from;           /* NULL: Ann */
	const char *mail_from, *to; /* NULL: Ann's address */
	enum dmarc_code dmarc;
	bool dkim_aligned;
	enum spf_weakness weakness;
	enum robot_code want;
} requests[] = {
	{ .name = "a person whose mail passes DMARC",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ANSWER },
	{ .name = "a display name, a comment",
	    .from = "\"Ann, of x\" (y) <ann@example.com>",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ANSWER },
	{ .name = "it fails DMARC",
	    .dmarc = DMARC_FAIL,
	    .want = ROBOT_NOT_AUTHENTIC },
	{ .name = "no DMARC record",
	    .dmarc = DMARC_NONE,
	    .want = ROBOT_NOT_AUTHENTIC },
	{ .name = "a broken DMARC record",
	    .dmarc = DMARC_PERMERROR,
	    .want = ROBOT_NOT_AUTHENTIC },
	{ .name = "DNS does not answer",
	    .dmarc = DMARC_TEMPERROR,
	    .want = ROBOT_UNKNOWN },
	{ .name = "SPF passes by +all",
	    .dmarc = DMARC_PASS,
	    .weakness = SPF_WEAK_ALL,
	    .want = ROBOT_NOT_AUTHENTIC },
	{ .name = "SPF passes by +all, but DKIM is aligned",
	    .dmarc = DMARC_PASS,
	    .dkim_aligned = true,
	    .weakness = SPF_WEAK_ALL,
	    .want = ROBOT_ANSWER },
	{ .name = "RFC 3834 section 2: the null sender",
	    .mail_from = "",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_NULL_SENDER },
	{ .name = "RFC 3834 section 2: MAILER-DAEMON",
	    .mail_from = "MAILER-DAEMON",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_NULL_SENDER },
	{ .name = "MAILER-DAEMON with a domain",
	    .mail_from = "mailer-daemon@example.com",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_NULL_SENDER },
	{ .name = "a mailing list as the envelope sender",
	    .mail_from = "news-bounces@example.com",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_NULL_SENDER },
	{ .name = "From is a list manager",
	    .to = "list-request@example.com",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ADDRESS },
	{ .name = "two Auto-Submitted fields",
	    .header = "Auto-Submitted: no\r\nAuto-Submitted: no\r\n",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_AUTOMATIC },
	{ .name = "X-Auto-Response-Suppress",
	    .header = "X-Auto-Response-Suppress: All\r\n",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_AUTOMATIC },
	{ .name = "RFC 2919: List-Id",
	    .header = "List-Id: <a.example.com>\r\n",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_LIST },
	{ .name = "RFC 2369: any list field",
	    .header = "list-unsubscribe: <mailto:a@example.com>\r\n",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_LIST },
	{ .name = "Precedence",
	    .header = "Precedence: first-class\r\nPrecedence:\tBulk \r\n",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_LIST },
	{ .name = "an ordinary Precedence value",
	    .header = "Precedence: special-delivery\r\n",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ANSWER },
	{ .name = "RFC 5322 section 3.6.2: two authors of one domain",
	    .from = "ann@example.com, ben@example.com",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ADDRESS },
	{ .name = "a group",
	    .from = "us: ann@example.com, ben@example.com;",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ADDRESS },
	{ .name = "a group of one",
	    .from = "us: ann@example.com;",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ADDRESS },
	{ .name = "two From fields",
	    .header = "From: ben@example.com\r\n",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ADDRESS },
	{ .name = "an unusual address",
	    .to = "",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ADDRESS },
	{ .name = "the robot itself",
	    .to = "Audit@example.net",
	    .dmarc = DMARC_PASS,
	    .want = ROBOT_ADDRESS },
};

static void
rfc3834_2_who_is_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct arena *a = arena_new(MEMORY);
		char memory[1000];
		struct buf text = buf_wrap(memory, sizeof(memory));
		struct mail_header header = { .fields = NULL };
		struct verdict v = { .header = &header };
		const char *from = requests[i].from, *to = requests[i].to;
		const char *sender = requests[i].mail_from;
		struct robot_request r = { &v,
			span_str(to != NULL ? to : "ann@example.com"),
			SPAN("audit@example.net") };

		assert_non_null(a);
		buf_printf(&text, "From: %s\r\n%s\r\n",
		    from != NULL ? from : "Ann <ann@example.com>",
		    requests[i].header != NULL ? requests[i].header : "");
		mail_header_read(&header, a, buf_view(&text));
		mail_from_read(&header, a, &v.from);
		v.mail_from =
		    span_str(sender != NULL ? sender : "ann@example.com");
		v.dmarc.code = requests[i].dmarc;
		v.dmarc.dkim_aligned = requests[i].dkim_aligned;
		v.spf_mail_from.weakness = requests[i].weakness;
		if (to != NULL && to[0] == '\0')
			r.to = SPAN_NONE;
		if (robot_check(&r, a) != requests[i].want)
			fail_msg("%s: %s", requests[i].name,
			    robot_code_text(robot_check(&r, a)));
		arena_free(a);
	}
}

static void
automatic_mail_is_not_answered(void **state)
{
	struct arena *a = arena_new(MEMORY);
	struct mail_header header = { .fields = NULL };
	struct verdict v = { .header = &header, .automatic = true };
	const struct robot_request r = { &v, SPAN("ann@example.com"),
		SPAN("audit@example.net") };

	(void)state;
	assert_non_null(a);
	v.mail_from = SPAN("ann@example.com");
	v.dmarc.code = DMARC_PASS;
	assert_int_equal(robot_check(&r, a), ROBOT_AUTOMATIC);
	v.automatic = false;
	v.from.state = MAIL_FROM_VALID;
	assert_int_equal(robot_check(&r, a), ROBOT_ADDRESS);
	arena_free(a);
}

/* ---- limits ---- */

struct counter {
	char *memory;
	struct buf log;
};

static int
begin_counter(void **state)
{
	static struct counter c;

	c.memory = malloc(ROBOT_LOG_MAX + ROBOT_LINE_MAX);
	c.log = buf_wrap(c.memory, ROBOT_LOG_MAX + ROBOT_LINE_MAX);
	*state = &c;
	return c.memory == NULL;
}

static int
end_counter(void **state)
{
	struct counter *c = *state;

	free(c->memory);
	return 0;
}

static bool
count(struct counter *c, int64_t now, const char *domain, const char *to)
{
	char *memory = malloc(ROBOT_LOG_MAX + ROBOT_LINE_MAX);
	struct buf new = buf_wrap(memory, ROBOT_LOG_MAX + ROBOT_LINE_MAX);
	bool good;

	assert_non_null(memory);
	good = robot_count(
	    buf_view(&c->log), now, span_str(domain), span_str(to), &new);
	if (good) {
		buf_cut(&c->log, 0);
		buf_span(&c->log, buf_view(&new));
	}
	free(memory);
	return good;
}

/* Returns a name such as "9001.example". */
static const char *
name_of(unsigned n)
{
	static char memory[40];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_number(&b, n);
	buf_text(&b, ".example");
	return memory;
}

static void
an_address_gets_few_answers_a_day(void **state)
{
	struct counter *c = *state;

	for (unsigned i = 0; i < ROBOT_PER_ADDRESS; i++)
		assert_true(count(c, NOW + i, "example.com", "a@example.com"));
	assert_false(count(c, NOW + 100, "example.com", "A@Example.com"));
	assert_true(count(c, NOW + 100, "example.com", "b@example.com"));
	assert_false(
	    count(c, NOW + DATE_DAY - 1, "example.com", "a@example.com"));
	assert_true(count(c, NOW + DATE_DAY, "example.com", "a@example.com"));
}

static void
a_domain_gets_few_answers_a_day(void **state)
{
	struct counter *c = *state;

	for (unsigned i = 0; i < ROBOT_PER_DOMAIN; i++)
		assert_true(count(c, NOW, "example.com", name_of(i)));
	assert_false(count(c, NOW, "EXAMPLE.com", name_of(1000)));
	assert_true(count(c, NOW, "other.example", name_of(1000)));
}

static void
all_get_few_answers_a_day_and_the_log_is_bounded(void **state)
{
	struct counter *c = *state;

	for (unsigned i = 0; i < ROBOT_PER_DAY; i++)
		assert_true(count(c, NOW, name_of(i), name_of(i)));
	assert_false(count(c, NOW, name_of(1000), name_of(1000)));
	assert_true(c->log.n < ROBOT_LOG_MAX);
	assert_true(count(c, NOW + DATE_DAY, name_of(1), name_of(1)));
	assert_string_equal(c->log.p, "1767312000 1.example 1.example\n");
}

static void
lines_that_are_not_ours_are_dropped(void **state)
{
	struct counter *c = *state;

	buf_text(&c->log,
	    "x\n\n1767225600\n1767225600 a.example\n-1 a.example b\n"
	    "1767225600 a.example b c\n99999999999999999999 a.example b\n"
	    "1900000000 a.example b\n1767225600  b\n"
	    "1767225600 a.example a@a.example");
	assert_true(count(c, NOW, "a.example", "a@a.example"));
	assert_string_equal(c->log.p,
	    "1767225600 a.example a@a.example\n"
	    "1767225600 a.example a@a.example\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3834_2_who_is_answered),
		cmocka_unit_test(automatic_mail_is_not_answered),
#define COUNTER_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, begin_counter, end_counter)
		COUNTER_TEST(an_address_gets_few_answers_a_day),
		COUNTER_TEST(a_domain_gets_few_answers_a_day),
		COUNTER_TEST(all_get_few_answers_a_day_and_the_log_is_bounded),
		COUNTER_TEST(lines_that_are_not_ours_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
