/* sign_tables_fuzz.c - reads arbitrary bytes as tables of opendkim or rspamd:
 * two files, separated by a zero byte */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/domain.h"
#include "sign/key_folder.h"
#include "sign/key_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_keys(const struct key_table_key *keys)
{
	for (const struct key_table_key *k = keys; k != NULL; k = k->next) {
		assert(domain_is_fqdn(span_str(k->domain)));
		assert(key_selector_is_valid(span_str(k->selector)));
		assert(k->path[0] != '\0' && k->line > 0);
		/* a domain signs with only one selector */
		for (const struct key_table_key *o = k->next; o != NULL;
		     o = o->next)
			assert(!span_is(span_str(k->domain), o->domain));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct span one = span_first(text, span_index(text, '\0'));
	struct span two = span_skip(text, one.n + 1);
	struct key_tables *t = key_tables_new();
	char *out = NULL;
	size_t n = 0;
	FILE *errors = open_memstream(&out, &n);
	bool ok, read;

	if (t == NULL || errors == NULL)
		return 0;
	read = key_tables_read(t, "one", one, errors);
	read = key_tables_read(t, "two", two, errors) && read;
	check_keys(key_tables_resolve(t, errors, errors, &ok));
	fclose(errors);
	/* an error must be printed, and no printed line may have a byte that a
	 * terminal would interpret */
	assert((read && ok) || n > 0);
	for (size_t i = 0; i < n; i++)
		assert(out[i] == '\n' || (out[i] >= ' ' && out[i] <= '~'));
	free(out);
	key_tables_free(t);
	(void)key_tables_opendkim_option(text, "KeyTable");
	return 0;
}
