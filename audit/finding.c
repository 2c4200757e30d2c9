#include "audit/finding.h"

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/scan.h"

enum {
	WHERE_MAX = DOMAIN_MAX + sizeof("_dmarc.") - 1, /* bytes of a name */
	VALUE_MAX = 253, /* bytes of an untrusted value that are shown */
	TEXT_MAX = 1024, /* bytes of a template expanded with three values */
};

static const struct enum_token severities[] = {
	{ "error", AUDIT_ERROR },
	{ "warning", AUDIT_WARNING },
	{ "note", AUDIT_NOTE },
};

const char *
audit_severity_name(enum audit_severity severity)
{
	return enum_name(severities, ARRAY_SIZE(severities), (int)severity);
}

void
audit_findings_init(struct audit_findings *out, struct arena *a)
{
	*out = (struct audit_findings){ .arena = a };
	out->list = arena_array(a, AUDIT_FINDINGS_MAX, sizeof(*out->list));
}

static struct span
printable_where(struct arena *a, struct span where)
{
	char memory[WHERE_MAX + 1];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_printable(&b, where, WHERE_MAX);
	return arena_copy(a, buf_view(&b));
}

static struct span
fill_template(
    struct arena *a, const char *template, const struct audit_about *about)
{
	struct scan s = scan_of(span_str(template));
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	for (;;) {
		buf_span(&b, scan_until(&s, '%'));
		if (scan_done(&s))
			return arena_copy(a, buf_view(&b));
		if (scan_text_nocase(&s, "%d"))
			buf_printable(&b, about->domain, DOMAIN_MAX);
		else if (scan_text_nocase(&s, "%v"))
			buf_printable(&b, about->value, VALUE_MAX);
		else if (scan_text_nocase(&s, "%t"))
			buf_printable(&b, about->tag, VALUE_MAX);
		else
			buf_byte(&b, (char)scan_next(&s));
	}
}

void
audit_findings_add(struct audit_findings *out, const struct audit_rule *rule,
    const struct audit_about *about)
{
	const char *fix = about->fix != NULL ? about->fix : rule->fix;
	struct audit_finding f = {
		.severity = rule->severity,
		.id = rule->id,
		.section = rule->section,
		.term = about->term,
		.area = about->area,
		.change = about->change,
	};

	out->counts[rule->severity]++;
	if (out->list == NULL || out->n == AUDIT_FINDINGS_MAX) {
		out->cut = true;
		return;
	}
	if (about->value.p != NULL)
		f.value =
		    arena_copy(out->arena, span_first(about->value, VALUE_MAX));
	f.where = printable_where(out->arena, about->where);
	f.text = fill_template(out->arena, rule->text, about);
	f.fix = fill_template(out->arena, fix, about);
	if (f.where.p == NULL || f.text.p == NULL || f.fix.p == NULL) {
		out->cut = true;
		return;
	}
	out->list[out->n++] = f;
}

void
audit_findings_copy(struct audit_findings *out, const struct audit_finding *one)
{
	out->counts[one->severity]++;
	if (out->list == NULL || out->n == AUDIT_FINDINGS_MAX)
		out->cut = true;
	else
		out->list[out->n++] = *one;
}

void
audit_findings_sort(struct audit_findings *out)
{
	struct audit_finding *list = out->list;

	for (size_t i = 1; i < out->n; i++) {
		struct audit_finding one = list[i];
		size_t k = i;

		for (; k > 0 && list[k - 1].severity > one.severity; k--)
			list[k] = list[k - 1];
		list[k] = one;
	}
}
