#include "report/show/advice.h"

#include "report/show/summary.h"

enum {
	ENOUGH_DAYS = 7,
	PARKED_MESSAGES =
	    10, /* enough to conclude that a domain sends no mail */
	PARKED_DAYS = 3,
	LOST_MESSAGES = 3, /* fewer may come from a single user */
	UNKNOWN_MESSAGES =
	    10, /* failing messages from unknown senders: fewer do not matter */
	LOST_MAX = 10, /* share of the owner's mail that may fail, in tenths of
	                  a percent */
	FORWARDED_MAX = 10, /* share of the owner's mail that may be forwarded
	                       under p=reject, in tenths of a percent */
	WEAK_MAX = 200, /* p=reject is recommended only if at most this share of
	                   passing mail passes with SPF alone, in tenths of a
	                   percent */
	SILENT_DAYS = 10, /* days without a report */
	OWN_FEW = 50,     /* with a smaller share, in tenths of a percent, the
	                     owner sends almost none of the mail */
};

/* Returns the number of messages that are likely the owner's. */
static uint64_t
own_mail(const struct view_domain *d)
{
	const struct view_counts *n = &d->counts;

	return n->messages - n->spoofed - n->unknown;
}

static bool
is_enforced(const struct view_domain *d)
{
	return !d->testing &&
	    (span_is(d->p, "quarantine") || span_is(d->p, "reject"));
}

static bool
loses(const struct view_domain *d)
{
	return d->counts.lost >= LOST_MESSAGES &&
	    view_rate(d->counts.lost, own_mail(d)) > LOST_MAX;
}

static bool
forwards(const struct view_domain *d)
{
	return view_rate(d->counts.forwarded, own_mail(d)) > FORWARDED_MAX;
}

/* ---- situations ---- */

/* A spoofed message has no signature of the domain, not even a broken one. */
static bool
is_parked(const struct view_domain *d, int64_t to)
{
	(void)to;
	return d->all.messages >= PARKED_MESSAGES &&
	    d->reported >= PARKED_DAYS && d->all.passed == 0 &&
	    d->all.by_cause[VIEW_FORWARDER] == 0 &&
	    d->all.by_cause[VIEW_OWN_SERVER] == 0 &&
	    d->counts.lost * 5 < d->counts.messages;
}

static bool
is_parked_at_reject(const struct view_domain *d, int64_t to)
{
	return is_parked(d, to) && is_enforced(d) && span_is(d->p, "reject");
}

/* Whether reports covered most days, but none of the last SILENT_DAYS. */
static bool
is_silent(const struct view_domain *d, int64_t to)
{
	return to - d->end >= SILENT_DAYS && d->reported >= ENOUGH_DAYS &&
	    (int64_t)d->reported * 2 > d->end - d->begin;
}

static bool
is_losing(const struct view_domain *d, int64_t to)
{
	(void)to;
	return is_enforced(d) && loses(d);
}

static bool
is_too_little(const struct view_domain *d, int64_t to)
{
	(void)to;
	return d->all.messages < VIEW_ENOUGH_MESSAGES ||
	    d->reported < ENOUGH_DAYS;
}

static bool
would_lose(const struct view_domain *d, int64_t to)
{
	(void)to;
	return loses(d) || d->counts.passed == 0;
}

static bool
has_new_sender(const struct view_domain *d, int64_t to)
{
	(void)to;
	return d->counts.unknown >= UNKNOWN_MESSAGES &&
	    view_rate(d->counts.unknown, own_mail(d) + d->counts.unknown) >
	    LOST_MAX;
}

static bool
is_mostly_spoofed(const struct view_domain *d, int64_t to)
{
	(void)to;
	return !is_enforced(d) &&
	    view_rate(own_mail(d), d->counts.messages) < OWN_FEW;
}

static bool
is_testing(const struct view_domain *d, int64_t to)
{
	(void)to;
	return d->testing;
}

static bool
has_open_subdomains(const struct view_domain *d, int64_t to)
{
	(void)to;
	return is_enforced(d) && span_is(d->sp, "none") &&
	    d->spoofed_below >= UNKNOWN_MESSAGES;
}

static bool
is_weak(const struct view_domain *d, int64_t to)
{
	(void)to;
	return !span_is(d->p, "reject") &&
	    view_rate(d->counts.weak, d->counts.passed) > WEAK_MAX;
}

static bool
is_at_reject(const struct view_domain *d, int64_t to)
{
	(void)to;
	return span_is(d->p, "reject");
}

static bool
loses_forwarded(const struct view_domain *d, int64_t to)
{
	return is_at_reject(d, to) && forwards(d);
}

static bool
is_monitoring(const struct view_domain *d, int64_t to)
{
	(void)to;
	return !span_is(d->p, "quarantine");
}

static bool
is_forwarded(const struct view_domain *d, int64_t to)
{
	(void)to;
	return forwards(d);
}

/* ---- the table: the first row that applies wins ---- */

static const struct {
	bool (*holds)(
	    const struct view_domain *d, int64_t to); /* NULL: always */
	enum view_urgency urgency;
	const char *name, *title, *text;
} advices[VIEW_RECOMMENDATIONS] = {
	[VIEW_PARKED_DONE] = { is_parked_at_reject, VIEW_CALM, "parked_done",
	    "Nothing to do: this domain sends no mail",
	    "None of the mail in the reports passes, and none comes from your "
	    "servers: it is "
	    "likely all spoofed. Your policy, p=reject, stops it." },
	[VIEW_PARKED] = { is_parked, VIEW_STEP, "parked",
	    "Sends no mail: p=reject is safe",
	    "None of the mail in the reports passes, and none comes from your "
	    "servers: it is "
	    "likely all spoofed. If you send no mail as this domain, publish "
	    "p=reject, and \"v=spf1 -all\" as its SPF record." },
	[VIEW_SILENT] = { is_silent, VIEW_ATTENTION, "silent",
	    "Reports have stopped",
	    "Until recently, reports covered this domain on most days. Check "
	    "that rua= is still in its DMARC record, that the address accepts "
	    "mail, and that avouch reads the reports sent to it." },
	[VIEW_LOSING] = { is_losing, VIEW_URGENT, "losing",
	    "Your own mail fails, and the policy applies to it",
	    "Receivers reject or quarantine mail from senders that are likely "
	    "yours. Fix these senders first (see below), and publish p=none "
	    "until they are fixed." },
	[VIEW_TOO_LITTLE] = { is_too_little, VIEW_WAIT, "too_little",
	    "Too few messages reported so far",
	    "Reports about at least 100 messages, for at least 7 days, are "
	    "needed to judge a stricter policy. Wait for more reports." },
	[VIEW_FIX_FIRST] = { would_lose, VIEW_ATTENTION, "fix_first",
	    "Fix your own senders first",
	    "Some mail that is likely yours does not pass. It would be lost "
	    "under a stricter policy: see the failing senders below." },
	[VIEW_NEW_SENDER] = { has_new_sender, VIEW_ATTENTION, "new_sender",
	    "A new sender fails: is it yours?",
	    "It authenticates as another domain. If you have started to send "
	    "through it, have it sign with DKIM as your domain; if not, ignore "
	    "it." },
	[VIEW_MOSTLY_SPOOFED] = { is_mostly_spoofed, VIEW_STEP,
	    "mostly_spoofed",
	    "Almost none of this mail is yours: use p=quarantine",
	    "Nearly all of this mail is likely spoofed, and your own mail "
	    "passes. Check that every service that sends for you is listed "
	    "below among the senders that pass. Then publish p=quarantine, and "
	    "later p=reject." },
	[VIEW_END_TESTING] = { is_testing, VIEW_STEP, "end_testing",
	    "Safe to end the test",
	    "The policy is only being tested (t=y), and nearly all mail that "
	    "is likely yours passes. Remove t=y from the record." },
	[VIEW_SUBDOMAINS] = { has_open_subdomains, VIEW_ATTENTION, "subdomains",
	    "Protect the subdomains too",
	    "The record has sp=none, and spoofed mail uses names below this "
	    "domain. Remove sp=none, or publish a record for each subdomain "
	    "that sends mail." },
	[VIEW_SIGN_FIRST] = { is_weak, VIEW_ATTENTION, "sign_first",
	    "Sign with DKIM first",
	    "Much of your mail passes only with SPF, and fails when it is "
	    "forwarded. Have these senders sign with DKIM as your domain "
	    "before you publish a stricter policy." },
	[VIEW_LOSES_FORWARDED] = { loses_forwarded, VIEW_ATTENTION,
	    "loses_forwarded", "p=reject loses forwarded mail",
	    "Your own senders pass, but some of their mail goes through "
	    "mailing lists or forwarders, and is rejected. If your users write "
	    "to mailing lists, publish p=quarantine (RFC 9989 section 7.4)." },
	[VIEW_DONE] = { is_at_reject, VIEW_CALM, "done", "Nothing to do",
	    "The policy is p=reject, and nearly all mail that is likely "
	    "yours passes." },
	[VIEW_TO_QUARANTINE] = { is_monitoring, VIEW_STEP, "to_quarantine",
	    "Safe to move to p=quarantine",
	    "Nearly all mail that is likely yours passes; the rest is "
	    "forwarded or spoofed. With p=quarantine, mail that fails goes to "
	    "the spam folder." },
	[VIEW_STAY] = { is_forwarded, VIEW_CALM, "stay", "Stay at p=quarantine",
	    "Your own senders pass, but some of their mail goes through "
	    "mailing lists or forwarders: it would be lost under p=reject." },
	[VIEW_TO_REJECT] = { NULL, VIEW_STEP, "to_reject",
	    "Safe to move to p=reject",
	    "Nearly all mail that is likely yours passes, and little of it is "
	    "forwarded. Stay at p=quarantine if users of this domain write to "
	    "mailing lists (RFC 9989 section 7.4)." },
};

enum view_recommendation
advice_choose(const struct view_domain *d, int64_t to)
{
	size_t i = 0;

	while (i < VIEW_TO_REJECT && !advices[i].holds(d, to))
		i++;
	return (enum view_recommendation)i;
}

void
advice_count(struct view_domain *d)
{
	struct view_counts *n = &d->counts;

	*n = (struct view_counts){ .messages = 0 };
	for (const struct view_sender *s = d->senders; s != NULL; s = s->next) {
		const uint64_t *by = s->counted.by_cause;
		enum view_role role = sender_role(s);

		n->messages += s->counted.messages;
		n->passed += s->counted.passed;
		n->weak += by[VIEW_SPF_ONLY] + by[VIEW_BROKEN];
		n->forwarded += by[VIEW_FORWARDER];
		n->lost += by[VIEW_OWN_SERVER];
		*(role == VIEW_YOURS ? &n->lost : &n->unknown) +=
		    by[VIEW_UNALIGNED];
		*(role == VIEW_YOURS ? &n->lost : &n->spoofed) +=
		    by[VIEW_SPOOF];
	}
}

const char *
view_recommendation_name(enum view_recommendation advice)
{
	return advices[advice].name;
}

const char *
view_recommendation_title(enum view_recommendation advice)
{
	return advices[advice].title;
}

const char *
view_recommendation_text(enum view_recommendation advice)
{
	return advices[advice].text;
}

enum view_urgency
view_recommendation_urgency(enum view_recommendation advice)
{
	return advices[advice].urgency;
}

const char *
view_urgency_name(enum view_urgency urgency)
{
	static const char *const names[] = {
		[VIEW_URGENT] = "urgent",
		[VIEW_ATTENTION] = "attention",
		[VIEW_STEP] = "step",
		[VIEW_WAIT] = "wait",
		[VIEW_CALM] = "calm",
	};

	return names[urgency];
}
