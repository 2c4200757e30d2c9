/* dmarc_matrix_test.c - compares the results for every combination of records
 * at a few names (a world) with a simple implementation of RFC 9989 section
 * 4.10. */
#include "dmarc/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "tests/support/dmarc_run.h"
#include "tests/support/core_driver.h"

/*
 * ---- a naive implementation of the rules, for comparison ----
 *
 * A small world: each name may have a record, described by one word.
 */
struct dmarc_matrix_world {
	const char *name[8];
	const char *text[8]; /* NULL: none */
	size_t n;
	bool everything_exists;
};

static const char *
record_of(const struct dmarc_matrix_world *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->name[i], name) == 0)
			return w->text[i];
	}
	return NULL;
}

static bool
says(const char *record, const char *tag)
{
	return record != NULL && strstr(record, tag) != NULL;
}

static const char *
parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL ? dot + 1 : NULL;
}

/* Section 4.10.2, for names of fewer than eight labels. */
static const char *
naive_organizational(const struct dmarc_matrix_world *w, const char *domain)
{
	const char *below = NULL, *fewest = domain;

	for (const char *at = domain; at != NULL; at = parent_of(at)) {
		const char *record = record_of(w, at);

		if (says(record, "psd=n"))
			return at;
		if (says(record, "psd=y"))
			return below != NULL ? below : at;
		if (record != NULL)
			fewest = at;
		below = at;
	}
	return fewest;
}

/* Section 4.10.1: the domain with the policy record, or NULL. */
static const char *
naive_policy(const struct dmarc_matrix_world *w, const char *domain)
{
	const char *org = naive_organizational(w, domain);

	if (record_of(w, domain) != NULL)
		return domain;
	if (record_of(w, org) != NULL)
		return org;
	for (const char *at = domain; at != NULL; at = parent_of(at)) {
		if (says(record_of(w, at), "psd=y"))
			return at;
	}
	return NULL;
}

static bool
naive_aligned(const struct dmarc_matrix_world *w, const char *author,
    const char *id, const char *strict)
{
	const char *record = record_of(w, naive_policy(w, author));

	if (says(record, strict))
		return strcmp(author, id) == 0;
	return strcmp(naive_organizational(w, author),
		   naive_organizational(w, id)) == 0;
}

static const char *
naive_value(const char *record, const char *tag)
{
	const char *at = strstr(record, tag);

	if (at == NULL)
		return NULL;
	at += strlen(tag);
	return strncmp(at, "reject", 6) == 0     ? "reject"
	    : strncmp(at, "quarantine", 10) == 0 ? "quarantine"
						 : "none";
}

/* Writes the same line as show(). */
static void
naive(const struct dmarc_matrix_world *w, const char *author, const char *spf,
    const char *dkim, struct buf *b)
{
	const char *org = naive_organizational(w, author);
	const char *where = naive_policy(w, author);
	const char *tag = "p", *value = NULL;
	bool by_spf = false, by_dkim = false;

	if (where == NULL) {
		buf_printf(b, "none (%s)", org);
		return;
	}
	const char *record = record_of(w, where);
	bool testing = says(record, " t=y");
	bool missing = false;

	if (strcmp(where, author) != 0) {
		const char *np = naive_value(record, " np=");
		const char *sp = naive_value(record, " sp=");

		value = sp;
		tag = sp != NULL ? "sp" : "p";
		if (sp == NULL)
			sp = naive_value(record, " p=");
		if (!w->everything_exists && np != NULL &&
		    strcmp(np, sp) != 0) {
			value = np;
			tag = "np";
			missing = true;
		}
	}
	if (value == NULL)
		value = naive_value(record, " p=");
	by_spf = spf != NULL && naive_aligned(w, author, spf, "aspf=s");
	by_dkim = dkim != NULL && naive_aligned(w, author, dkim, "adkim=s");
	buf_printf(b, "%s %s=%s %s", by_spf || by_dkim ? "pass" : "fail", tag,
	    value, where);
	if (!by_spf && !by_dkim)
		buf_printf(b, " -> %s",
		    !testing                           ? value
			: strcmp(value, "reject") == 0 ? "quarantine"
						       : "none");
	buf_printf(b, "%s%s%s%s (%s)", by_spf ? " spf" : "",
	    by_dkim ? " dkim" : "", testing ? " t" : "",
	    missing ? " nonexistent" : "", org);
}

/* A DNS source that answers from a world. */
struct world_source {
	struct dns_source source; /* must be first */
	const struct dmarc_matrix_world *world;
};

static void
world_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	const struct dmarc_matrix_world *w =
	    ((struct world_source *)source)->world;
	char text[DOMAIN_MAX + 1];
	struct buf b = buf_wrap(text, sizeof(text));
	struct dns_record record = { .strings = 1 };
	struct dns_answer answer = { .state = DNS_NXDOMAIN };

	buf_span(&b, name);
	assert_int_equal(type, DNS_TXT);
	if (strncmp(text, "_dmarc.", 7) == 0)
		record.text = span_str(record_of(w, text + 7));
	else if (w->everything_exists)
		answer.state = DNS_NODATA;
	if (record.text.p != NULL) {
		answer.state = DNS_FOUND;
		answer.n_records = 1;
		answer.records = &record;
	}
	const struct dns_answer *shared = dns_answer_new(&answer);

	assert_non_null(shared);
	wait->done(wait, shared);
	dns_answer_unref(shared);
}

static void
compare_dmarc_matrix(const struct dmarc_matrix_world *w, const char *author,
    const char *spf, const char *dkim)
{
	struct world_source source = { .source = { .ask = world_ask },
		.world = w };
	char pass_spf[128], pass_dkim[128], got[512], want[512];
	struct buf s = buf_wrap(pass_spf, sizeof(pass_spf));
	struct buf d = buf_wrap(pass_dkim, sizeof(pass_dkim));
	struct buf g = buf_wrap(got, sizeof(got));
	struct buf n = buf_wrap(want, sizeof(want));
	struct dmarc_run r;

	if (spf != NULL)
		buf_printf(&s, "+%s", spf);
	if (dkim != NULL)
		buf_printf(&d, "+%s", dkim);
	dmarc_run_open(&r, author, pass_spf, pass_dkim);
	pump_core(r.questions, &source.source, false, dmarc_run_check, &r);
	dmarc_run_show(&g, &r.result);
	naive(w, author, spf, dkim, &n);
	if (strcmp(got, want) != 0) {
		for (size_t i = 0; i < w->n; i++)
			print_error("%s: %s\n", w->name[i],
			    w->text[i] != NULL ? w->text[i] : "-");
		fail_msg("author %s, SPF %s, DKIM %s:\n got  %s\n want %s",
		    author, spf != NULL ? spf : "-", dkim != NULL ? dkim : "-",
		    got, want);
	}
	dmarc_run_close(&r);
}

/*
 * Tests adkim x aspf x (same, parent, child, sibling, unrelated, nephew, same
 * top-level domain only, top-level domain) x psd at every name: no record, or
 * psd=u, y or n.
 */
static void
matrix_of_alignment(void **state)
{
	static const char author[] = "b.example.com";
	static const char *const related[] = { "b.example.com", "example.com",
		"a.b.example.com", "c.example.com", "other.test",
		"d.c.example.com", "other.com", "com" };
	static const char *const psd[] = { NULL, "u", "y", "n" };
	size_t runs = 0;

	(void)state;
	for (size_t id = 0; id < ARRAY_SIZE(related); id++) {
		for (unsigned bits = 0; bits < 4 * 4 * 4 * 4 * 4 * 4; bits++) {
			struct dmarc_matrix_world w = {
				.name = { "com", "example.com", author,
				    related[id] },
				.n = id == 0 || id == 1 || id == 7 ? 3 : 4
			};
			char text[4][80];
			unsigned modes = bits >> 8 & 3;
			unsigned by = bits >> 10 & 3;

			if (w.n == 3 && (bits & 3 << 6) != 0)
				continue;
			for (size_t i = 0; i < w.n; i++) {
				const char *p = psd[bits >> 2 * i & 3];
				struct buf b =
				    buf_wrap(text[i], sizeof(text[i]));

				buf_printf(&b,
				    "v=DMARC1; p=reject; adkim=%s; aspf=%s;"
				    " psd=%s",
				    (modes & 1) != 0 ? "s" : "r",
				    (modes & 2) != 0 ? "s" : "r",
				    p != NULL ? p : "");
				w.text[i] = p != NULL ? text[i] : NULL;
			}
			compare_dmarc_matrix(&w, author,
			    (by & 1) != 0 ? related[id] : NULL,
			    (by & 2) != 0 ? related[id] : NULL);
			runs++;
		}
	}
	assert_true(runs > 20000);
}

/* Tests p x sp x np x t x psd x existence, with the record at the author
 * domain, its parent or the top-level domain. */
static void
matrix_of_policies(void **state)
{
	static const char *const policy[] = { "none", "quarantine", "reject",
		NULL };
	static const char *const names[] = { "a.example.com", "example.com",
		"com" };
	static const char *const psd[] = { "u", "y", "n" };

	(void)state;
	for (unsigned bits = 0; bits < 3 * 4 * 4 * 2 * 3 * 2 * 3; bits++) {
		unsigned at = bits;
		const char *p = policy[at % 3];
		const char *sp = policy[(at /= 3) % 4];
		const char *np = policy[(at /= 4) % 4];
		const char *t = (at /= 4) % 2 == 0 ? "n" : "y";
		const char *flag = psd[(at /= 2) % 3];
		bool exists = (at /= 3) % 2 == 0;
		size_t where = (at / 2) % 3;
		char text[128];
		struct buf b = buf_wrap(text, sizeof(text));
		struct dmarc_matrix_world w = { .name = { names[where] },
			.text = { text },
			.n = 1,
			.everything_exists = exists };

		buf_printf(&b, "v=DMARC1; p=%s;", p);
		if (sp != NULL)
			buf_printf(&b, " sp=%s;", sp);
		if (np != NULL)
			buf_printf(&b, " np=%s;", np);
		buf_printf(&b, " t=%s; psd=%s", t, flag);
		compare_dmarc_matrix(&w, "a.example.com", NULL, NULL);
		compare_dmarc_matrix(
		    &w, "a.example.com", "a.example.com", "example.com");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix_of_alignment),
		cmocka_unit_test(matrix_of_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
