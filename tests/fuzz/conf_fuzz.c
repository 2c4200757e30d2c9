/*
 * conf_fuzz.c - reads arbitrary bytes as a configuration file.  If it is
 * invalid, each error names a line.  If it is valid, `config show` prints a
 * file that sets the same values and causes no errors or warnings.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct conf_fuzz_text {
	char *p;
	size_t n;
	FILE *f;
};

static void
begin_conf(struct conf_fuzz_text *t)
{
	t->f = open_memstream(&t->p, &t->n);
	assert(t->f != NULL);
}

static void
put_setting(void *arg, const struct conf_setting *s)
{
	fprintf(arg, "%s|%s|%s=%s\n", s->section,
	    s->override != NULL ? s->override : "", s->name, s->value);
}

/* Errors must have the form "fuzz:LINE: TEXT", be printable, and be sorted by
 * line number; only the note that errors were left out has no line number. */
static void
check_lines(const struct conf_fuzz_text *errors)
{
	struct scan s = scan_of(span_of(errors->p, errors->n));
	uint64_t line, last = 1;

	while (!scan_done(&s)) {
		assert(scan_text_nocase(&s, "fuzz:"));
		if (scan_number(&s, UINT32_MAX, &line)) {
			assert(line >= last);
			last = line;
			assert(scan_byte(&s, ':'));
		} else {
			assert(span_is(
			    scan_rest(&s), " only the first 100 are shown\n"));
		}
		assert(scan_byte(&s, ' '));
		assert(span_all(scan_until(&s, '\n'), ascii_is_print));
		assert(scan_byte(&s, '\n'));
	}
}

static void
check_shown(const struct conf *c)
{
	struct conf_fuzz_text shown, first, second, warnings;
	const struct conf *again;

	begin_conf(&shown);
	begin_conf(&first);
	begin_conf(&second);
	conf_show(c, shown.f);
	fclose(shown.f);
	conf_each(c, put_setting, first.f);
	fclose(first.f);
	again = conf_read_text(span_of(shown.p, shown.n), "shown", stderr);
	if (again == NULL && shown.n > CONF_FILE_MAX)
		again = conf_ref(c);
	assert(again != NULL);
	conf_each(again, put_setting, second.f);
	fclose(second.f);
	assert(strcmp(first.p, second.p) == 0);
	if (again != c) {
		begin_conf(&warnings);
		conf_print_warnings(again, warnings.f);
		fclose(warnings.f);
		assert(warnings.n == 0);
		free(warnings.p);
	}
	conf_unref(again);
	free(shown.p);
	free(first.p);
	free(second.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_fuzz_text errors, warnings;
	const struct conf *c;

	begin_conf(&errors);
	c = conf_read_text(span_of((const char *)data, size), "fuzz", errors.f);
	fclose(errors.f);
	assert((c == NULL) == (errors.n > 0));
	check_lines(&errors);
	if (c != NULL) {
		begin_conf(&warnings);
		conf_print_warnings(c, warnings.f);
		fclose(warnings.f);
		check_lines(&warnings);
		free(warnings.p);
		check_shown(c);
	}
	conf_unref(c);
	free(errors.p);
	return 0;
}
