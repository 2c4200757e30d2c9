#include "report/show/cause.h"

#include "lib/enum_names.h"
#include "report/show/sender.h"

static const struct {
	const char *name, *title, *cure;
} causes[VIEW_CAUSES] = {
	[VIEW_GOOD] = { "good", "Signed and aligned", "Nothing to do." },
	[VIEW_SPF_ONLY] = { "spf_only", "SPF only",
	    "Passes only with SPF, and fails when it is forwarded. Have this "
	    "sender sign with DKIM as your domain." },
	[VIEW_BROKEN] = { "dkim_broken", "DKIM signature broken",
	    "Passes with SPF, but your DKIM signature does not verify. Check "
	    "the key in DNS, and whether mail is changed after it is signed." },
	[VIEW_FORWARDER] = { "forwarder", "Forwarder or mailing list",
	    "This is your mail, changed on its way by a forwarder. Only the "
	    "forwarder can fix it; with p=reject it would be lost." },
	[VIEW_OWN_SERVER] = { "own_server", "Your own server, not authorized",
	    "The name of this server is under your domain, but neither SPF nor "
	    "DKIM passes. Add its address to your SPF record, and have it sign "
	    "with DKIM as your domain." },
	[VIEW_UNALIGNED] = { "unaligned", "No DKIM signature from your domain",
	    "Authenticates, but as another domain. If you send through it, "
	    "have it sign with DKIM as your domain; if not, someone else is "
	    "using your domain." },
	[VIEW_SPOOF] = { "spoof", "Likely spoofed",
	    "Neither SPF nor DKIM passes. Unless this is a forgotten server of "
	    "yours, a stricter policy will stop it." },
};

const char *
view_cause_name(enum view_cause cause)
{
	return causes[cause].name;
}

const char *
view_cause_title(enum view_cause cause)
{
	return causes[cause].title;
}

const char *
view_cause_fix(enum view_cause cause)
{
	return causes[cause].cure;
}

static bool
is_indirect(struct span override)
{
	static const char *const names[] = { "forwarded", "mailing_list",
		"trusted_forwarder" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (span_is(override, names[i]))
			return true;
	return false;
}

static bool
is_signed(struct span domain, const struct report_row *row)
{
	for (size_t i = 0; i < row->n_dkim; i++)
		if (sender_is_own(domain, row->dkim[i].domain))
			return true;
	return false;
}

/* Returns the other domain that the mail authenticates as, if any. */
static struct span
other_identity(struct span domain, const struct report_row *row)
{
	for (size_t i = 0; i < row->n_dkim; i++)
		if (span_is(row->dkim[i].result, "pass") &&
		    !sender_is_own(domain, row->dkim[i].domain))
			return row->dkim[i].domain;
	return span_is(row->spf_result, "pass") ? row->spf_domain : SPAN("");
}

enum view_cause
view_row_cause(struct span domain, const struct report_row *row,
    bool is_own_host, struct span *as)
{
	bool is_ours = is_signed(domain, row);

	*as = SPAN("");
	if (row->dkim_aligned)
		return VIEW_GOOD;
	if (row->spf_aligned)
		return is_ours ? VIEW_BROKEN : VIEW_SPF_ONLY;
	*as = other_identity(domain, row);
	if (is_own_host)
		return VIEW_OWN_SERVER;
	/* A failing signature of the domain was broken in transit: a spoofed
	 * message would have no signature. */
	if (is_indirect(row->override) || is_ours)
		return VIEW_FORWARDER;
	return as->n > 0 ? VIEW_UNALIGNED : VIEW_SPOOF;
}
