#include "mail/list.h"

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "mail/address.h"

static bool
is_name_byte(unsigned char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* Returns the text after the first "@", up to a byte not allowed in a host
 * name. */
static struct span
first_domain(struct span text)
{
	struct scan s = scan_of(span_skip(text, span_index(text, '@')));

	return scan_byte(&s, '@') ? scan_while(&s, is_name_byte) : SPAN_NONE;
}

/* RFC 2369 section 3.4: "<mailto:list@example.org>" among other URLs, or "NO"
 * if the list accepts no posts. */
static struct span
post_domain(struct span value)
{
	struct scan s = scan_of(value);

	while (!scan_done(&s)) {
		scan_until(&s, '<');
		scan_byte(&s, '<');
		if (scan_text_nocase(&s, "mailto:"))
			return first_domain(scan_until(&s, '>'));
	}
	return SPAN_NONE;
}

size_t
mail_list_claims(const struct mail_header *h, struct arena *a,
    struct mail_list_claim out[MAIL_LIST_CLAIMS_MAX])
{
	static const struct {
		const char *field;
		struct span (*domain)(struct span value);
	} claims[MAIL_LIST_CLAIMS_MAX] = {
		{ "List-Id", mail_list_id },
		{ "List-Post", post_domain },
		{ "Mailing-List", first_domain },
	};
	size_t n = 0;

	for (size_t i = 0; i < MAIL_LIST_CLAIMS_MAX; i++) {
		size_t at = mail_header_find(h, claims[i].field, 0);
		struct span domain = at < h->n
		    ? domain_normal(a, claims[i].domain(h->fields[at].value))
		    : SPAN_NONE;

		if (domain.n > 0)
			out[n++] =
			    (struct mail_list_claim){ claims[i].field, domain };
	}
	return n;
}
