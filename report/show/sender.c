#include "report/show/sender.h"

#include "lib/domain.h"
#include "lib/enum_names.h"

enum {
	FIXED_DAYS =
	    2, /* good days with mail after which a sender counts as fixed */
	FIXED_MESSAGES = 10, /* minimum number of messages on these days */
	BAD_DAY = 20, /* a good day has at most this many failures per 1,000
	                 messages */
};

static const char *const kind_names[] = {
	[SENDER_HOST] = "host",
	[SENDER_SIGNER] = "signer",
	[SENDER_ENVELOPE] = "envelope",
	[SENDER_NETWORK] = "network",
	[SENDER_REST] = "others",
};

static const char *const role_names[] = {
	[VIEW_YOURS] = "yours",
	[VIEW_UNKNOWN] = "unknown",
	[VIEW_FORWARDS] = "forwards",
	[VIEW_FOREIGN] = "foreign",
};

static const struct {
	const char *name, *title;
} fact_words[VIEW_FACT_KINDS] = {
	[VIEW_REPORTER] = { "reporters", "Reported by" },
	[VIEW_SIGNATURE] = { "signatures", "DKIM" },
	[VIEW_ENVELOPE] = { "envelopes", "SPF" },
	[VIEW_AUTHOR] = { "authors", "From" },
	[VIEW_OVERRIDE] = { "overrides", "Policy not applied" },
};

const char *
sender_kind_name(enum sender_kind kind)
{
	return kind_names[kind];
}

const char *
view_role_name(enum view_role role)
{
	return role_names[role];
}

const char *
view_fact_name(enum view_fact_kind kind)
{
	return fact_words[kind].name;
}

const char *
view_fact_title(enum view_fact_kind kind)
{
	return fact_words[kind].title;
}

/* ---- names ---- */

bool
sender_is_own(struct span domain, struct span other)
{
	return domain_is_under(other, domain) ||
	    domain_equal(domain_registrable(domain), domain_registrable(other));
}

struct span
sender_of_row(
    struct span domain, const struct report_row *row, enum sender_kind *kind)
{
	struct span own = SPAN("");

	*kind = SENDER_SIGNER;
	for (size_t i = 0; i < row->n_dkim; i++) {
		struct span signer = row->dkim[i].domain;

		if (!span_is(row->dkim[i].result, "pass"))
			continue;
		if (!sender_is_own(domain, signer))
			return domain_registrable(signer);
		own = domain_registrable(signer);
	}
	if (!span_is(row->spf_result, "pass") || row->spf_domain.n == 0)
		return own;
	if (own.n > 0 && sender_is_own(domain, row->spf_domain))
		return own;
	*kind = SENDER_ENVELOPE;
	return domain_registrable(row->spf_domain);
}

void
sender_put_network(struct buf *b, const struct ip *ip)
{
	struct ip net = { .family = ip->family };
	size_t bytes = ip->family == IP_V4 ? 3 : 6;

	for (size_t i = 0; i < bytes; i++)
		net.bytes[i] = ip->bytes[i];
	ip_put(b, &net);
	if (ip->family != IP_NONE)
		buf_text(b, ip->family == IP_V4 ? "/24" : "/48");
}

/* ---- judging ---- */

void
view_sums_add(struct view_sums *sums, const struct view_sums *more)
{
	sums->messages += more->messages;
	sums->passed += more->passed;
	sums->dkim += more->dkim;
	sums->spf += more->spf;
	sums->quarantined += more->quarantined;
	sums->rejected += more->rejected;
	for (size_t i = 0; i < VIEW_CAUSES; i++)
		sums->by_cause[i] += more->by_cause[i];
}

enum view_cause
sender_cause(const struct view_sums *sums)
{
	enum view_cause most = VIEW_FORWARDER;
	uint64_t risk =
	    sums->by_cause[VIEW_SPF_ONLY] + sums->by_cause[VIEW_BROKEN];

	if (sums->messages > sums->passed) {
		for (unsigned i = VIEW_FORWARDER; i < VIEW_CAUSES; i++)
			if (sums->by_cause[i] > sums->by_cause[most])
				most = (enum view_cause)i;
		/* A sender whose mail mostly passes is not a spoofer. */
		if (most == VIEW_SPOOF && sums->passed * 2 > sums->messages)
			most = VIEW_UNALIGNED;
		return most;
	}
	if (risk * 2 <= sums->messages)
		return VIEW_GOOD;
	return sums->by_cause[VIEW_BROKEN] > sums->by_cause[VIEW_SPF_ONLY]
	    ? VIEW_BROKEN
	    : VIEW_SPF_ONLY;
}

enum view_role
sender_role(const struct view_sender *s)
{
	if (s->is_own || s->counted.passed * 2 > s->counted.messages)
		return VIEW_YOURS;
	switch (s->cause) {
	case VIEW_GOOD:
	case VIEW_SPF_ONLY:
	case VIEW_BROKEN:
	case VIEW_OWN_SERVER:
		return VIEW_YOURS;
	case VIEW_FORWARDER:
		return VIEW_FORWARDS;
	case VIEW_UNALIGNED:
		return s->last - s->first >= VIEW_WEEK ? VIEW_YOURS
						       : VIEW_UNKNOWN;
	case VIEW_SPOOF:
	case VIEW_CAUSES:
		break;
	}
	return VIEW_FOREIGN;
}

static bool
is_bad(uint64_t messages, uint64_t passed)
{
	return (messages - passed) * 1000 > messages * BAD_DAY;
}

/*
 * If the sender was fixed, returns the first day of `recent` after the last bad
 * one, otherwise -1.  The run of good days since then must be longer than any
 * earlier run: a newsletter that fails once a week is not fixed on the other
 * days.
 */
static int
first_good_day(const struct view_sender *s)
{
	int bad = -1, run = 0, longest = 0;
	uint64_t messages = 0; /* since the last bad day */

	if (!is_bad(s->all.messages, s->all.passed))
		return -1;
	for (int i = 0; i < VIEW_RECENT_DAYS; i++) {
		const struct view_day *day = &s->recent[i];

		if (day->messages == 0)
			continue;
		if (is_bad(day->messages, day->passed)) {
			longest = run > longest ? run : longest;
			bad = i;
			run = 0;
			messages = 0;
			continue;
		}
		run++;
		messages += day->messages;
	}
	if ((bad < 0 && s->failed < 0) || run < FIXED_DAYS || run <= longest ||
	    messages < FIXED_MESSAGES)
		return -1;
	return bad + 1;
}

void
sender_judge(struct view_sender *s, int64_t end, bool use_week)
{
	int good = first_good_day(s);
	uint64_t risk =
	    s->week.by_cause[VIEW_SPF_ONLY] + s->week.by_cause[VIEW_BROKEN];

	s->counted = use_week ? s->week : s->all;
	s->fixed = -1;
	if (good >= 0) {
		s->fixed = good > 0 ? end - VIEW_RECENT_DAYS + 1 + good
				    : s->failed + 1;
		s->counted = (struct view_sums){ .messages = 0 };
		for (int i = good; i < VIEW_RECENT_DAYS; i++) {
			s->counted.messages += s->recent[i].messages;
			s->counted.passed += s->recent[i].passed;
		}
		s->cause =
		    risk * 2 > s->week.passed ? VIEW_SPF_ONLY : VIEW_GOOD;
		s->counted.by_cause[s->cause] = s->counted.passed;
		s->counted.by_cause[VIEW_UNALIGNED] =
		    s->counted.messages - s->counted.passed;
		return;
	}
	s->cause =
	    sender_cause(s->counted.messages > 0 ? &s->counted : &s->all);
}
