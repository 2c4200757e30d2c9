/*
 * import_fuzz.c - reads arbitrary bytes as the configuration file of another
 * program: the output must be a configuration that can be read.  The first byte
 * selects the program.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import.h"
#include "conf/conf.h"

enum { MEMORY = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span
read_named(void *arg, const char *path, struct arena *a)
{
	(void)path;
	return arena_copy(a, *(struct span *)arg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "opendkim.conf", "opendmarc.conf",
		"policyd-spf.conf", "file" };
	struct span text = span_of((const char *)data, size);
	struct arena *a = arena_new(MEMORY);
	struct import *im = import_new(a, read_named, &text);
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	assert(im != NULL && f != NULL);
	if (size > 0 &&
	    import_add(im, paths[data[0] % 4], span_skip(text, 1))) {
		const struct conf *c;

		assert(import_print(im, f));
		fclose(f);
		c = conf_read_text(span_of(out, n), "printed", stderr);
		assert(c != NULL || n > CONF_FILE_MAX);
		conf_unref(c);
	} else {
		fclose(f);
	}
	free(out);
	arena_free(a);
	return 0;
}
