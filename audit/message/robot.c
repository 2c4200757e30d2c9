#include "audit/message/robot.h"

#include "lib/ascii.h"
#include "lib/date.h"
#include "lib/enum_names.h"
#include "lib/scan.h"
#include "mail/address.h"
#include "mail/header.h"

const char *
robot_code_text(enum robot_code code)
{
	static const struct enum_token texts[] = {
		{ "it is answered", ROBOT_ANSWER },
		{ "it is a bounce", ROBOT_NULL_SENDER },
		{ "it was not written by a person", ROBOT_AUTOMATIC },
		{ "it came from a mailing list, or is bulk mail", ROBOT_LIST },
		{ "From does not have exactly one address that can be answered",
		    ROBOT_ADDRESS },
		{ "a DNS lookup failed", ROBOT_UNKNOWN },
		{ "it does not pass DMARC", ROBOT_NOT_AUTHENTIC },
		{ "the limit on replies in 24 hours has been reached",
		    ROBOT_TOO_MANY },
	};

	return enum_name(texts, ARRAY_SIZE(texts), (int)code);
}

/* ---- one message ---- */

/* RFC 3834 section 2 lists mailer-daemon and owner-; mailing lists use the
 * other names. */
static bool
is_program(struct span local)
{
	return span_is_nocase(local, "mailer-daemon") ||
	    span_starts_nocase(local, "owner-") ||
	    span_ends_nocase(local, "-owner") ||
	    span_ends_nocase(local, "-request") ||
	    span_ends_nocase(local, "-bounces");
}

static struct span
local_part(struct span address)
{
	return span_first(address, span_rindex(address, '@'));
}

static bool
is_automatic(const struct verdict *v)
{
	const struct mail_header *h = v->header;

	return v->automatic || mail_header_count(h, "Auto-Submitted") > 1 ||
	    mail_header_count(h, "X-Auto-Response-Suppress") > 0;
}

static bool
is_list_field(const struct mail_field *f)
{
	struct span value = span_trim(f->value);

	if (span_is_nocase(f->name, "Precedence"))
		return span_is_nocase(value, "list") ||
		    span_is_nocase(value, "bulk") ||
		    span_is_nocase(value, "junk");
	return span_starts_nocase(f->name, "List-") ||
	    span_is_nocase(f->name, "Mailing-List") ||
	    span_is_nocase(f->name, "X-Mailing-List") ||
	    span_is_nocase(f->name, "X-BeenThere") ||
	    span_is_nocase(f->name, "Feedback-ID");
}

static bool
is_list(const struct mail_header *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (is_list_field(&h->fields[i]))
			return true;
	return false;
}

/* Whether From has exactly one address, and nothing that could be read as
 * another. */
static bool
has_one_author(const struct verdict *v, struct arena *a)
{
	const struct mail_header *h = v->header;
	size_t at = mail_header_find(h, "From", 0);
	struct mail_address address;
	struct mail_address_list l;
	size_t n = 0;

	if (at == h->n || v->from.state != MAIL_FROM_VALID ||
	    v->from.n_fields != 1 || v->from.n_domains != 1)
		return false;
	l = mail_address_list_of(h->fields[at].value, a);
	while (n < 2 && mail_address_next(&l, &address) == ADDRESS_ONE)
		n++;
	return n == 1 && l.valid && !l.has_group;
}

/* Whether DMARC passes.  A pass by SPF alone does not count if the SPF record
 * lets nearly everyone pass. */
static bool
is_authentic(const struct verdict *v)
{
	return v->dmarc.code == DMARC_PASS && !v->header->cut &&
	    (v->dmarc.dkim_aligned ||
		v->spf_mail_from.weakness == SPF_WEAKNESS_NONE);
}

enum robot_code
robot_check(const struct robot_request *r, struct arena *a)
{
	const struct verdict *v = r->verdict;

	if (v->mail_from.n == 0 || is_program(local_part(v->mail_from)))
		return ROBOT_NULL_SENDER;
	if (is_automatic(v))
		return ROBOT_AUTOMATIC;
	if (is_list(v->header))
		return ROBOT_LIST;
	if (r->to.p == NULL || is_program(local_part(r->to)) ||
	    span_equal_nocase(r->to, r->own) || !has_one_author(v, a))
		return ROBOT_ADDRESS;
	if (v->gave_up || v->faulty || v->dmarc.code == DMARC_TEMPERROR)
		return ROBOT_UNKNOWN;
	return is_authentic(v) ? ROBOT_ANSWER : ROBOT_NOT_AUTHENTIC;
}

/* ---- the answer log ---- */

static bool
is_log_byte(unsigned char c)
{
	return ascii_is_print(c) && c != ' ';
}

struct answered {
	uint64_t when;
	struct span domain, to;
};

/* Returns false if the line is not in the format of the log. */
static bool
read_line(struct span line, struct answered *out)
{
	struct scan s = scan_of(line);

	if (!scan_number(&s, DATE_LAST, &out->when) || !scan_byte(&s, ' '))
		return false;
	out->domain = scan_while(&s, is_log_byte);
	if (!scan_byte(&s, ' '))
		return false;
	out->to = scan_while(&s, is_log_byte);
	return out->domain.n > 0 && out->to.n > 0 && scan_done(&s);
}

static void
put_line(struct buf *b, const struct answered *one)
{
	buf_number(b, one->when);
	buf_byte(b, ' ');
	buf_span(b, one->domain);
	buf_byte(b, ' ');
	buf_span(b, one->to);
	buf_byte(b, '\n');
}

bool
robot_count(struct span log, int64_t now, struct span domain, struct span to,
    struct buf *out)
{
	const struct answered new = { (uint64_t)now, domain, to };
	unsigned all = 0, of_domain = 0, of_address = 0;
	struct scan s = scan_of(log);

	while (!scan_done(&s)) {
		struct answered one;
		struct span line = scan_until(&s, '\n');

		scan_byte(&s, '\n');
		if (!read_line(line, &one) ||
		    (int64_t)one.when <= now - DATE_DAY ||
		    (int64_t)one.when > now + DATE_DAY)
			continue;
		of_domain += span_equal_nocase(one.domain, domain);
		of_address += span_equal_nocase(one.to, to);
		if (++all == ROBOT_PER_DAY)
			return false;
		put_line(out, &one);
	}
	put_line(out, &new);
	return of_domain < ROBOT_PER_DOMAIN && of_address < ROBOT_PER_ADDRESS &&
	    !out->full;
}
