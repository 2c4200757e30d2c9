#include "verify/conf_fault.h"

#include "lib/buf.h"
#include "lib/span.h"

static void
fault_text(struct conf_faults *faults, unsigned line, struct span text)
{
	struct conf_fault **link = &faults->first;

	if (faults->muted || faults->n >= CONF_FAULTS_MAX)
		return;
	for (; *link != NULL && (*link)->line <= line; link = &(*link)->next)
		if ((*link)->line == line && span_is(text, (*link)->text))
			return;

	struct conf_fault *f = arena_alloc(faults->arena, sizeof(*f));
	struct span copy = arena_copy(faults->arena, text);

	if (f == NULL || copy.p == NULL) {
		faults->lost = true;
		return;
	}
	*f = (struct conf_fault){ *link, line, copy.p };
	*link = f;
	faults->n++;
}

void
conf_fault_list(
    struct conf_faults *faults, unsigned line, const char *format, va_list ap)
{
	char raw[CONF_FAULT_TEXT_MAX], clean[CONF_FAULT_TEXT_MAX];
	struct buf b = buf_over(clean, sizeof(clean));

	vsnprintf(raw, sizeof(raw), format, ap);
	buf_printable(&b, span_str(raw), sizeof(clean) - 1);
	fault_text(faults, line, buf_done(&b));
}

void
conf_fault(struct conf_faults *faults, unsigned line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	conf_fault_list(faults, line, format, ap);
	va_end(ap);
}

void
conf_faults_print(const struct conf_faults *faults, const char *name, FILE *out)
{
	for (const struct conf_fault *f = faults->first; f; f = f->next) {
		if (f->line != 0)
			fprintf(out, "%s:%u: %s\n", name, f->line, f->text);
		else
			fprintf(out, "%s: %s\n", name, f->text);
	}
	if (faults->n >= CONF_FAULTS_MAX)
		fprintf(out, "%s: more than %d faults, the rest is not told\n",
		    name, CONF_FAULTS_MAX);
	if (faults->lost)
		fprintf(out, "%s: out of memory\n", name);
}
