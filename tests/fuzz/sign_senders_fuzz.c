/*
 * sign_senders_fuzz.c - reads arbitrary bytes as a file of senders.  No sender
 * may be allowed for an empty login, or for a login that is not in the file.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "sign/senders.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
sign_senders_is_word(unsigned char c)
{
	return !ascii_is_space(c) && c != ',';
}

static bool
is_gap(unsigned char c)
{
	return !sign_senders_is_word(c);
}

/* Tries each word as a login for each address. */
static void
try_words(const struct senders *s, struct span text, struct span address)
{
	size_t at = span_rindex(address, '@');
	struct span local = span_first(address, at);
	struct span domain = span_skip(address, at + 1);
	struct scan words = scan_of(text);

	assert(!senders_allow(s, local, domain, SPAN("")));
	/* white space separates logins */
	assert(!senders_allow(s, local, domain, SPAN("no such login")));
	for (unsigned n = 0; n < 50 && !scan_done(&words); n++) {
		scan_while(&words, is_gap);
		(void)senders_allow(
		    s, local, domain, scan_while(&words, sign_senders_is_word));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	char *errors = NULL;
	size_t length = 0;
	FILE *f = open_memstream(&errors, &length);
	struct senders *s;
	struct scan words = scan_of(text);

	assert(f != NULL);
	s = senders_read_text(text, "f", f);
	fclose(f);
	assert((s == NULL) == (length > 0));
	for (unsigned n = 0; s != NULL && n < 50 && !scan_done(&words); n++) {
		scan_while(&words, is_gap);
		try_words(s, text, scan_while(&words, sign_senders_is_word));
	}
	senders_free(s);
	free(errors);
	return 0;
}
