#include "sign/key_record.h"

#include <string.h>

#include "dkim/key.h"
#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "lib/scan.h"
#include "lib/taglist.h"

static const struct {
	enum key_fault fault;
	const char *name, *text;
} texts[] = {
	{ KEY_FAULT_NONE, "good", "The record is published and matches." },
	{ KEY_FAULT_MISSING, "missing",
	    "This name has no TXT record. Publish the record that "
	    "`avouch key new` printed." },
	{ KEY_FAULT_TRUNCATED, "truncated",
	    "The record ends before the key does. One string of a TXT record "
	    "can have at most 255 bytes: publish the record as several "
	    "strings, or ask the DNS provider how to enter longer values." },
	{ KEY_FAULT_QUOTES, "quotes",
	    "The quotation marks are part of the published value. Enter the "
	    "value without them, as one line." },
	{ KEY_FAULT_BACKSLASH, "backslash",
	    "The value contains \"\\;\". Enter it with plain semicolons: the "
	    "backslash belongs in some zone files only." },
	{ KEY_FAULT_TWO_RECORDS, "two-records",
	    "There are several TXT records at this name and receivers may use "
	    "the wrong one. Delete all except the record of this key." },
	{ KEY_FAULT_OTHER_KEY, "other-key",
	    "The record contains a different key. Publish the record of this "
	    "key, or make a new key with a new selector." },
	{ KEY_FAULT_REVOKED, "revoked",
	    "The record has an empty p=: the key is revoked in DNS." },
	{ KEY_FAULT_RESTRICTED, "restricted",
	    "The record contains this key, but its tags (k=, h=, s= or v=) do "
	    "not allow it to be used. Publish the record as it was printed." },
	{ KEY_FAULT_UNREADABLE, "unreadable",
	    "The TXT record at this name is not a DKIM key record. Publish the "
	    "record as it was printed." },
	{ KEY_FAULT_FAILED, "failed",
	    "At least one name server did not answer. Nothing changes until "
	    "all do: this host must reach port 53 of each of them. If it "
	    "cannot, but the record is published, `avouch key import` of "
	    "this key file makes the key sign at once." },
	{ KEY_FAULT_NO_UNDERSCORE, "no-underscore",
	    "The record is at a name without the underscore. The name must "
	    "contain \"_domainkey\"." },
	{ KEY_FAULT_DOUBLED, "doubled-domain",
	    "The record is at a name that ends in the domain twice. Many "
	    "providers append the domain themselves: enter the name without "
	    "it." },
};

const char *
key_fault_name(enum key_fault fault)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].fault == fault)
			return texts[i].name;
	return "?";
}

const char *
key_fault_text(enum key_fault fault)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].fault == fault)
			return texts[i].text;
	return "?";
}

/* Whether the key in the record verifies a signature made with our key. */
static bool
key_verifies(const struct private_key *ours, const struct key *theirs)
{
	uint8_t hash[CRYPTO_HASH_SIZE], signature[CRYPTO_SIGNATURE_MAX];
	size_t n;

	memcpy(hash, private_key_id(ours), sizeof(hash));
	return theirs->crypto != NULL &&
	    crypto_key_is_ed25519(theirs->crypto) ==
	    (private_key_type(ours) == PRIVATE_KEY_ED25519) &&
	    crypto_sign(private_key_crypto(ours), hash, signature, &n) &&
	    crypto_verify(theirs->crypto, hash,
		span_of((const char *)signature, n)) == CRYPTO_GOOD;
}

/* Writes the base64 characters of p= in a value that may be damaged, skipping
 * white space, quotation marks and backslashes. */
static void
put_p(struct buf *b, struct span text)
{
	const char *p = text.n > 0 ? memmem(text.p, text.n, "p=", 2) : NULL;
	struct scan s;
	int c;

	if (p == NULL)
		return;
	s = scan_of(span_between(p + 2, text.p + text.n));
	while ((c = scan_next(&s)) >= 0 && c != ';')
		if (ascii_is_alnum((unsigned char)c) || c == '+' || c == '/' ||
		    c == '=')
			buf_byte(b, (char)c);
}

/* Returns how much of our key the value contains: 0 nothing, 1 its beginning, 2
 * all. */
static int
has_our_key(const struct private_key *key, struct span text)
{
	char mine[PRIVATE_KEY_RECORD_MAX], record[PRIVATE_KEY_RECORD_MAX],
	    theirs[PRIVATE_KEY_RECORD_MAX];
	struct buf a = buf_wrap(mine, sizeof(mine));
	struct buf b = buf_wrap(theirs, sizeof(theirs));
	struct buf r = buf_wrap(record, sizeof(record));
	/* RSA keys of the same size begin with the same characters (at most
	 * 44): the start of SubjectPublicKeyInfo. */
	const size_t alike = 60;

	private_key_put_record(key, &r);
	put_p(&a, buf_view(&r));
	put_p(&b, text);
	if (b.n >= a.n && memcmp(a.p, b.p, a.n) == 0)
		return 2;
	return b.n >= alike && b.n < a.n && memcmp(a.p, b.p, b.n) == 0;
}

static bool
text_has(struct span text, const char *what)
{
	return text.n > 0 && memmem(text.p, text.n, what, strlen(what)) != NULL;
}

/* s= must be absent, or contain "*" or "email" (RFC 6376 section 3.6.1). */
static bool
allows_email(struct span text)
{
	struct tag tags[TAGLIST_MAX];
	const char *reason;
	struct span value;
	struct scan s;
	size_t n;

	if (!taglist_read(text, tags, &n, &reason) ||
	    !taglist_find(tags, n, "s", &value))
		return true;
	s = scan_of(value);
	while (!scan_done(&s)) {
		struct span one = span_trim(scan_until(&s, ':'));

		(void)scan_byte(&s, ':');
		if (span_is(one, "*") || span_is(one, "email"))
			return true;
	}
	return false;
}

static enum key_fault
check_text(const struct private_key *key, struct span text)
{
	struct key k;
	enum key_fault fault = KEY_FAULT_NONE;

	key_read(text, &k);
	if (k.is_revoked)
		fault = KEY_FAULT_REVOKED;
	else if (!key_verifies(key, &k))
		fault = k.crypto != NULL ? KEY_FAULT_OTHER_KEY
		    : k.no_memory        ? KEY_FAULT_FAILED
					 : KEY_FAULT_UNREADABLE;
	else if (!k.allows_sha256 || !allows_email(text))
		fault = KEY_FAULT_RESTRICTED;
	key_release(&k);
	if (fault != KEY_FAULT_UNREADABLE && fault != KEY_FAULT_OTHER_KEY)
		return fault;
	if (text_has(text, "\""))
		return KEY_FAULT_QUOTES;
	if (text_has(text, "\\;"))
		return KEY_FAULT_BACKSLASH;
	switch (has_our_key(key, text)) {
	case 1:
		return KEY_FAULT_TRUNCATED;
	case 2:
		return KEY_FAULT_RESTRICTED;
	default:
		return fault;
	}
}

enum key_fault
key_record_check(const struct private_key *key, const struct dns_answer *answer)
{
	enum key_fault best = KEY_FAULT_MISSING;

	if (answer->state == DNS_NODATA || answer->state == DNS_NXDOMAIN)
		return KEY_FAULT_MISSING;
	if (answer->state != DNS_FOUND)
		return KEY_FAULT_FAILED;
	for (size_t i = 0; i < answer->n_records && i < KEY_RECORDS_MAX; i++) {
		enum key_fault one = check_text(key, answer->records[i].text);

		if (one == KEY_FAULT_NONE && answer->n_records > 1)
			return KEY_FAULT_TWO_RECORDS;
		if (i == 0 || one < best)
			best = one;
	}
	return best;
}
