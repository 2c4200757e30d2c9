/*
 * authres_field.c - writes the Authentication-Results field of a message: every
 * method with its properties (RFC 8601 sections 2.2 and 2.7, RFC 6008, RFC 8617
 * section 10.1, RFC 9989 section 9.1).
 *
 * No local-part of an address is written, because the sender could use it to
 * inject results (RFC 8601 section 2.7.2 advises against it for SPF too);
 * local-parts are only logged.  Domains are A-labels.  mail/authres.h describes
 * how the writer treats untrusted strings.
 */
#include "lib/domain.h"
#include "mail/authres.h"
#include "verify/internal.h"

enum {
	COMMENT_MAX = 256, /* bytes of our own words in a comment */
	REMARK_MAX = 512,  /* bytes of a string composed here */
	OTHER_RESULTS = 6, /* auth, iprev, spf twice, arc, dmarc */
	DKIM_SHOWN_MAX = AUTHRES_RESULTS_MAX - OTHER_RESULTS,
};

/* Adds ", " unless `b` is empty, and returns `b`. */
static struct buf *
next_words(struct buf *b)
{
	if (b->n > 0)
		buf_text(b, ", ");
	return b;
}

/* Returns the comment for a message that was not checked, or NULL if it was
 * checked.  The first method gets this comment. */
static const char *
skip_words(const struct verdict *v, struct buf *b)
{
	if (v->skip == NULL)
		return NULL;
	buf_text(b, "local user, not checked: ");
	buf_text(b, v->skip);
	return b->p;
}

/* Writes `domain`, unless it is not a valid domain name. */
static void
put_domain(struct authres_writer *w, struct arena *a, const char *ptype,
    const char *property, struct span domain)
{
	authres_put(w, ptype, property, domain_normal(a, domain));
}

static bool
name_is_verified(struct span name)
{
	return domain_is_hostname(name) && !span_is_nocase(name, "unknown");
}

/*
 * RFC 8601 section 2.7.3.  The MTA looked up the name when the client
 * connected, and reports the outcome: a verified name, or "unknown" together
 * with the PTR name.  Sendmail also says why a name is not verified.  Returns
 * NULL if there is no result: clients of our own users need not have a name.
 */
static const char *
iprev_result(const struct verdict *v)
{
	if (name_is_verified(v->client_name))
		return "pass";
	if (span_is_nocase(v->client_resolve, "TEMP"))
		return "temperror";
	if (name_is_verified(v->client_ptr) ||
	    span_is_nocase(v->client_resolve, "FORGED"))
		return "fail";
	return v->skip != NULL || v->facts.authenticated ? NULL : "permerror";
}

static void
put_iprev(struct authres_writer *w, const struct verdict *v)
{
	char memory[COMMENT_MAX], ip_memory[IP_TEXT_MAX];
	struct buf words = buf_wrap(memory, sizeof(memory));
	struct buf ip = buf_wrap(ip_memory, sizeof(ip_memory));
	const char *own = v->facts.authenticated ? NULL : skip_words(v, &words);
	const char *result;

	if (v->client.family == IP_NONE || v->client_name.n == 0)
		return;
	result = iprev_result(v);
	if (result == NULL)
		return;
	authres_method(w, "iprev", result);
	authres_comment(w, own,
	    name_is_verified(v->client_name)      ? v->client_name
		: name_is_verified(v->client_ptr) ? v->client_ptr
						  : SPAN_NONE);
	ip_put(&ip, &v->client);
	authres_put(w, "policy", "iprev", buf_view(&ip));
}

/* Writes "none" for mail that was not checked, with a comment that says why. */
static void
put_unchecked(struct authres_writer *w, const struct verdict *v)
{
	char memory[COMMENT_MAX];
	struct buf words = buf_wrap(memory, sizeof(memory));

	authres_none(w);
	authres_comment(w, skip_words(v, &words), SPAN_NONE);
}

/* RFC 8601 section 2.7.4 */
static void
put_auth(
    struct authres_writer *w, const struct verdict *v, const struct conf *conf)
{
	char memory[COMMENT_MAX];
	struct buf words = buf_wrap(memory, sizeof(memory));

	if (!v->facts.authenticated)
		return;
	authres_method(w, "auth", "pass");
	authres_comment(w, skip_words(v, &words), v->auth_type);
	if (conf->auth_login)
		authres_put(w, "smtp", "auth", v->auth_authen);
}

static void
put_spf_helo(struct authres_writer *w, const struct verdict *v, struct arena *a)
{
	const struct spf_result *r = &v->spf_helo;

	authres_method(w, "spf", spf_code_name(r->code));
	authres_comment(w, NULL, r->reason);
	put_domain(w, a, "smtp", "helo", v->helo);
}

/*
 * RFC 8601 section 2.7.2.  For the null sender, RFC 7208 section 2.4 uses the
 * only name there is, the HELO name.
 *
 * Otherwise, the HELO result is written as a separate result only if it is the
 * same as that of MAIL FROM.  If two results differ, some programs use the
 * first, some the last (SpamAssassin's SPF plugin), and some any pass
 * (SpamAssassin's AuthRes plugin); and a sender can use any name in HELO.  So a
 * different result is only in the comment.
 */
static void
put_spf(struct authres_writer *w, const struct verdict *v, struct arena *a)
{
	const struct spf_result *r = &v->spf_mail_from;
	bool is_null = v->mail_from.n == 0;
	char memory[COMMENT_MAX];
	struct buf words = buf_wrap(memory, sizeof(memory));

	if (!is_null && v->spf_helo.code != SPF_NONE) {
		if (v->spf_helo.code == r->code)
			put_spf_helo(w, v, a);
		else
			buf_printf(
			    &words, "HELO %s", spf_code_name(v->spf_helo.code));
	}
	authres_method(w, "spf", spf_code_name(r->code));
	authres_comment(w, words.p, r->reason);
	if (is_null)
		put_domain(w, a, "smtp", "helo", v->helo);
	else
		authres_put(w, "smtp", "mailfrom", v->facts.mail_from_domain);
}

/* RFC 8601 section 2.7.1, RFC 6008 for header.b.  `hidden` is the number of
 * further results that are not written. */
static void
put_dkim_one(struct authres_writer *w, const struct dkim_result *r,
    size_t hidden, struct arena *a)
{
	char memory[COMMENT_MAX];
	struct buf words = buf_wrap(memory, sizeof(memory));
	struct span domain =
	    span_skip(r->identity, span_rindex(r->identity, '@') + 1);
	struct buf identity = buf_alloc(a, DOMAIN_MAX + 2);

	if (r->key_bits > 0)
		buf_printf(&words, "%u-bit key", r->key_bits);
	if (r->testing)
		buf_text(next_words(&words), "testing");
	if (hidden > 0)
		buf_printf(next_words(&words), "%zu more signatures not shown",
		    hidden);
	authres_method(w, "dkim", dkim_code_name(r->code));
	authres_comment(w, words.p, SPAN_NONE);
	if (r->code != DKIM_PASS)
		authres_reason(w, r->reason);
	put_domain(w, a, "header", "d", r->domain);
	buf_byte(&identity, '@');
	buf_span(&identity, domain_normal(a, domain));
	if (identity.n > 1)
		authres_put(w, "header", "i", buf_view(&identity));
	authres_put(w, "header", "s", r->selector);
	authres_put(w, "header", "a", r->algorithm);
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

/*
 * Writes at most `room` results.  Passes have priority, and are written last:
 * if a failed signature followed a pass, a reader that searches for
 * "dkim=pass.*header.d=bank.example" would take the failed domain for one that
 * passed.
 */
static void
put_dkim_some(struct authres_writer *w, const struct verdict *v, size_t room,
    struct arena *a)
{
	size_t good = count_passes(v), shown = 0;
	size_t others = good < room ? room - good : 0;
	size_t hidden = v->n_dkim - room + v->dkim_unlisted;

	for (size_t i = 0; i < v->n_dkim && shown < others; i++)
		if (v->dkim[i].code != DKIM_PASS)
			put_dkim_one(
			    w, &v->dkim[i], ++shown == room ? hidden : 0, a);
	for (size_t i = 0; i < v->n_dkim && shown < room; i++)
		if (v->dkim[i].code == DKIM_PASS)
			put_dkim_one(
			    w, &v->dkim[i], ++shown == room ? hidden : 0, a);
}

static void
put_dkim(struct authres_writer *w, const struct verdict *v, struct arena *a)
{
	size_t room = v->n_dkim < DKIM_SHOWN_MAX ? v->n_dkim : DKIM_SHOWN_MAX;

	if (room > 0) {
		put_dkim_some(w, v, room, a);
	} else if (v->faulty) {
		authres_method(w, "dkim", "temperror");
		authres_comment(
		    w, "a limit of this host was reached", SPAN_NONE);
	} else {
		authres_method(w, "dkim", "none");
	}
}

/* RFC 8617 sections 5.2 and 10.1 */
static void
put_arc(struct authres_writer *w, const struct verdict *v)
{
	char memory[COMMENT_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct span sealer = SPAN_NONE;

	if (v->arc.code == ARC_NONE)
		return;
	/* arc has no "temperror"; the reason describes the error. */
	authres_method(w, "arc", v->arc.code == ARC_PASS ? "pass" : "fail");
	buf_printf(&text, "i=%u", v->arc.instances);
	if (v->arc.n_sealers > 0)
		sealer = v->arc.sealers[v->arc.n_sealers - 1].domain;
	authres_comment(w, text.p, sealer);
	if (v->arc.code != ARC_PASS)
		authres_reason(w, v->arc.reason);
	if (v->arc.code == ARC_PASS) {
		buf_cut(&text, 0);
		buf_number(&text, v->arc.oldest_pass);
		authres_put(w, "header", "oldest-pass", buf_view(&text));
	}
	if (v->client.family != IP_NONE) {
		buf_cut(&text, 0);
		ip_put(&text, &v->client);
		authres_put(w, "smtp", "remote-ip", buf_view(&text));
	}
}

/* "p=reject dis=quarantine, would reject, rule dmarc.on_reject" */
static void
put_dmarc_comment(struct authres_writer *w, const struct verdict *v)
{
	char own_memory[COMMENT_MAX], memory[REMARK_MAX];
	struct buf own = buf_wrap(own_memory, sizeof(own_memory));
	struct buf text = buf_wrap(memory, sizeof(memory));
	const struct policy_decision *d = &v->decision;

	if (v->dmarc.record != NULL && v->dmarc.policy_tag != NULL)
		buf_printf(&own, "%s=%s dis=%s", v->dmarc.policy_tag,
		    dmarc_policy_name(v->dmarc.policy),
		    dmarc_policy_name(d->disposition));
	if (d->would != d->action)
		buf_printf(
		    next_words(&own), "would %s", conf_action_name(d->would));
	if (d->would != d->action || d->action != CONF_ACCEPT ||
	    d->override != POLICY_OVERRIDE_NONE) {
		buf_text(&text, "rule ");
		buf_span(&text, d->rule);
	}
	if (d->override != POLICY_OVERRIDE_NONE && d->reason.n > 0)
		buf_span(next_words(&text), d->reason);
	authres_comment(w, own.p, buf_view(&text));
}

/* RFC 9989 section 9.1: policy.dmarc is the policy after all options are
 * applied. */
static void
put_dmarc(struct authres_writer *w, const struct verdict *v)
{
	const struct dmarc_result *r = &v->dmarc;

	authres_method(w, "dmarc", dmarc_code_name(r->code));
	put_dmarc_comment(w, v);
	if (r->code != DMARC_PASS)
		authres_reason(w, r->reason);
	authres_put(w, "header", "from", r->author_domain);
	if (r->record != NULL)
		authres_put(w, "policy", "dmarc",
		    span_str(dmarc_policy_name(
			dmarc_policy_asked(r->policy, r->testing))));
}

struct span
authres_field_write(struct verify_message *m)
{
	const struct verdict *v = &m->verdict;
	struct span id = m->c->client.authserv_id;
	struct authres_writer w;

	authres_begin(&w, buf_alloc(m->arena, VERIFY_RESULTS_MAX), id);
	put_auth(&w, v, m->c->conf);
	put_iprev(&w, v);
	if (v->skip != NULL && w.results == 0)
		put_unchecked(&w, v);
	if (v->skip == NULL) {
		put_spf(&w, v, m->arena);
		put_dkim(&w, v, m->arena);
		put_arc(&w, v);
		put_dmarc(&w, v);
	}
	if (w.text.p != NULL)
		return authres_end(&w);
	authres_begin(&w, buf_wrap(m->fallback, sizeof(m->fallback)), id);
	authres_method(&w, "dmarc", "temperror");
	authres_comment(&w, "out of memory", SPAN_NONE);
	return authres_end(&w);
}
