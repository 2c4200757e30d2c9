/*
 * results.c - the one Authentication-Results field of a message: every method
 * with its properties (RFC 8601 sections 2.2 and 2.7, RFC 6008, RFC 8617
 * section 10.1, RFC 9989 section 9.1).
 */
#include "mail/authres.h"
#include "verify/state.h"

enum { COMMENT_MAX = 256 }; /* bytes of a comment that is put together here */

/* That nothing was checked, and why; beside the first method that is told. */
static void
put_skip(struct authres_writer *w, const struct verdict *v)
{
	char memory[COMMENT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));

	if (v->skip == NULL)
		return;
	buf_text(&text, "own user, not checked: ");
	buf_text(&text, v->skip);
	authres_comment(w, buf_done(&text));
}

static bool
name_is_verified(struct span name)
{
	return name.n > 0 && name.p[0] != '[' &&
	    !span_is_nocase(name, "unknown");
}

/*
 * RFC 8601 section 2.7.3.  The MTA has looked this up at connect and tells the
 * outcome: a name it has verified, or "unknown" beside the name by PTR.
 */
static void
put_iprev(struct authres_writer *w, const struct verdict *v)
{
	char memory[IP_TEXT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));

	if (v->client.family == IP_NONE || v->client_name.n == 0)
		return;
	if (name_is_verified(v->client_name)) {
		authres_method(w, "iprev", "pass");
		authres_comment(w, v->client_name);
	} else if (name_is_verified(v->client_ptr)) {
		authres_method(w, "iprev", "fail");
		authres_comment(w, v->client_ptr);
	} else {
		authres_method(w, "iprev", "permerror");
	}
	if (!v->facts.authenticated)
		put_skip(w, v);
	ip_put(&text, &v->client);
	authres_put(w, "policy", "iprev", buf_done(&text));
}

/* RFC 8601 section 2.7.4 */
static void
put_auth(struct authres_writer *w, const struct verdict *v)
{
	if (!v->facts.authenticated)
		return;
	authres_method(w, "auth", "pass");
	if (v->auth_type.n > 0)
		authres_comment(w, v->auth_type);
	put_skip(w, v);
	if (v->auth_authen.n > 0)
		authres_put(w, "smtp", "auth", v->auth_authen);
}

static void
put_spf_one(struct authres_writer *w, const struct spf_result *r,
    const char *property, struct span value)
{
	authres_method(w, "spf", spf_code_name(r->code));
	if (r->reason.n > 0)
		authres_comment(w, r->reason);
	if (r->stale)
		authres_comment(w, SPAN("stale DNS answer"));
	authres_put(w, "smtp", property, value);
}

/*
 * RFC 8601 section 2.7.2: the two identities are two results.  For the null
 * sender RFC 7208 section 2.4 checks the one name that there is, HELO's.
 */
static void
put_spf(struct authres_writer *w, const struct verdict *v)
{
	if (v->mail_from.n > 0)
		put_spf_one(w, &v->spf_mail_from, "mailfrom", v->mail_from);
	else
		put_spf_one(w, &v->spf_mail_from, "helo", v->helo);
	if (v->mail_from.n > 0 && v->spf_helo.code != SPF_NONE)
		put_spf_one(w, &v->spf_helo, "helo", v->helo);
}

static void
put_dkim_comment(struct authres_writer *w, const struct dkim_result *r)
{
	char memory[COMMENT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));

	if (r->key_bits > 0)
		buf_printf(&text, "%u-bit key", r->key_bits);
	if (r->testing)
		buf_text(&text, text.n > 0 ? ", testing" : "testing");
	if (r->stale)
		buf_text(&text,
		    text.n > 0 ? ", stale DNS answer" : "stale DNS answer");
	if (text.n > 0)
		authres_comment(w, buf_done(&text));
}

/* RFC 8601 section 2.7.1, RFC 6008 for header.b */
static void
put_dkim_one(struct authres_writer *w, const struct dkim_result *r)
{
	authres_method(w, "dkim", dkim_code_name(r->code));
	put_dkim_comment(w, r);
	if (r->code != DKIM_PASS && r->reason.n > 0)
		authres_reason(w, r->reason);
	if (r->domain.n > 0)
		authres_put(w, "header", "d", r->domain);
	if (r->identity.n > 0)
		authres_put(w, "header", "i", r->identity);
	if (r->selector.n > 0)
		authres_put(w, "header", "s", r->selector);
	if (r->algorithm.n > 0)
		authres_put(w, "header", "a", r->algorithm);
	if (r->b.n > 0)
		authres_put(w, "header", "b", r->b);
}

static size_t
count_passes(const struct verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_dkim; i++)
		n += v->dkim[i].code == DKIM_PASS;
	return n;
}

/* Good ones before all others, each kind from the top; returns how many. */
static size_t
put_dkim_some(struct authres_writer *w, const struct verdict *v)
{
	size_t good = count_passes(v), shown = 0;
	size_t room = VERIFY_DKIM_SHOWN_MAX;
	size_t others = good < room ? room - good : 0;

	for (size_t i = 0; i < v->n_dkim && shown < room; i++) {
		if (v->dkim[i].code != DKIM_PASS && others == 0)
			continue;
		others -= v->dkim[i].code != DKIM_PASS;
		put_dkim_one(w, &v->dkim[i]);
		shown++;
	}
	return shown;
}

static void
put_dkim(struct authres_writer *w, const struct verdict *v)
{
	char memory[COMMENT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));
	size_t shown = put_dkim_some(w, v);
	size_t hidden = v->n_dkim - shown + v->dkim_unlisted;

	if (shown == 0 && v->faulty) {
		authres_method(w, "dkim", "temperror");
		authres_comment(w, SPAN("a limit was reached"));
	} else if (shown == 0) {
		authres_method(w, "dkim", "none");
	} else if (hidden > 0) {
		authres_method(w, "dkim", "policy");
		buf_number(&text, hidden);
		buf_text(&text, " more signatures");
		if (v->n_dkim == shown)
			buf_text(&text, ", not verified");
		authres_comment(w, buf_done(&text));
	}
}

/* RFC 8617 section 5.2 and 10.1 */
static void
put_arc(struct authres_writer *w, const struct verdict *v)
{
	char memory[COMMENT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));

	if (v->arc.code == ARC_NONE)
		return;
	/* There is no "temperror" for arc; the comment says what it was. */
	authres_method(w, "arc", v->arc.code == ARC_PASS ? "pass" : "fail");
	buf_printf(&text, "i=%u", v->arc.instances);
	if (v->arc.n_sealers > 0) {
		buf_text(&text, " ");
		buf_span(&text, v->arc.sealers[v->arc.n_sealers - 1].domain);
	}
	authres_comment(w, buf_done(&text));
	if (v->arc.code != ARC_PASS && v->arc.reason.n > 0)
		authres_reason(w, v->arc.reason);
	if (v->arc.code == ARC_PASS) {
		buf_cut(&text, 0);
		buf_number(&text, v->arc.oldest_pass);
		authres_put(w, "header", "oldest-pass", buf_done(&text));
	}
	if (v->client.family != IP_NONE) {
		buf_cut(&text, 0);
		ip_put(&text, &v->client);
		authres_put(w, "smtp", "remote-ip", buf_done(&text));
	}
}

/* "p=reject dis=quarantine; would reject, rule dmarc.on_reject" */
static void
put_dmarc_comment(struct authres_writer *w, const struct verdict *v)
{
	char memory[COMMENT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));
	const struct policy_decision *d = &v->decision;

	if (v->dmarc.record != NULL && v->dmarc.policy_tag != NULL) {
		buf_text(&text, v->dmarc.policy_tag);
		buf_text(&text, "=");
		buf_text(&text, dmarc_policy_name(v->dmarc.policy));
		buf_text(&text, " dis=");
		buf_text(&text, dmarc_policy_name(d->disposition));
	}
	if (d->would != d->action) {
		buf_text(&text, text.n > 0 ? "; would " : "would ");
		buf_text(&text, conf_action_name(d->would));
		buf_text(&text, ", rule ");
		buf_span(&text, d->rule);
	} else if (d->action != CONF_ACCEPT ||
	    d->override != POLICY_OVERRIDE_NONE) {
		buf_text(&text, text.n > 0 ? "; rule " : "rule ");
		buf_span(&text, d->rule);
	}
	if (text.n > 0)
		authres_comment(w, buf_done(&text));
	if (d->override != POLICY_OVERRIDE_NONE && d->reason.n > 0)
		authres_comment(w, d->reason);
	if (v->dmarc.stale)
		authres_comment(w, SPAN("stale DNS answer"));
}

/* RFC 9989 section 9.1 */
static void
put_dmarc(struct authres_writer *w, const struct verdict *v)
{
	authres_method(w, "dmarc", dmarc_code_name(v->dmarc.code));
	put_dmarc_comment(w, v);
	if (v->dmarc.code != DMARC_PASS && v->dmarc.reason.n > 0)
		authres_reason(w, v->dmarc.reason);
	if (v->dmarc.author_domain.n > 0)
		authres_put(w, "header", "from", v->dmarc.author_domain);
	if (v->dmarc.record != NULL)
		authres_put(w, "policy", "dmarc",
		    span_str(dmarc_policy_name(v->dmarc.policy)));
}

struct span
results_write(struct verify_message *m)
{
	const struct verdict *v = &m->verdict;
	struct span id = m->c->client.authserv_id;
	struct authres_writer w;

	authres_begin(&w, buf_in(m->arena, VERIFY_RESULTS_MAX), id);
	put_auth(&w, v);
	put_iprev(&w, v);
	if (v->skip == NULL) {
		put_spf(&w, v);
		put_dkim(&w, v);
		put_arc(&w, v);
		put_dmarc(&w, v);
	}
	if (w.text.p != NULL)
		return authres_end(&w);
	authres_begin(&w, buf_over(m->fallback, sizeof(m->fallback)), id);
	authres_method(&w, "dmarc", "temperror");
	authres_comment(&w, SPAN("out of memory"));
	return authres_end(&w);
}
