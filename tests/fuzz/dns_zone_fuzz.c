/*
 * dns_zone_fuzz.c - reads arbitrary bytes as a zone file; its answers must
 * survive being recorded and replayed
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dns/zone.h"
#include "lib/arena.h"
#include "lib/domain.h"
#include "tests/support/rerecord.h"

enum { NAMES_MAX = 20, ARENA = 65536, INPUT_MAX = 8192 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA,
	DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };

static void
ask_all_types(struct dns_source *zone, struct span word)
{
	struct arena *a = arena_new(ARENA);

	assert(a != NULL);
	word = domain_normal(a, word);
	for (size_t i = 0; word.p != NULL && i < sizeof(types) / sizeof(*types);
	     i++)
		rerecord(zone, word, types[i]);
	arena_free(a);
}

/* The first word of a line is used as a name; other words need not be names. */
static struct span
first_word(struct span line)
{
	line = span_trim(line);
	return span_first(line, span_index(line, ' '));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	char error[200] = "";
	struct dns_source *zone;

	if (size > INPUT_MAX)
		return 0;
	zone = dns_zone_parse("fuzz", text, error, sizeof(error));
	if (zone == NULL) {
		assert(strncmp(error, "fuzz:", 5) == 0);
		return 0;
	}
	for (int i = 0; i < NAMES_MAX && text.n > 0; i++) {
		size_t end = span_index(text, '\n');

		ask_all_types(zone, first_word(span_first(text, end)));
		text = span_skip(text, end + 1);
	}
	zone->close(zone);
	return 0;
}
