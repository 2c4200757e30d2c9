/*
 * sign_state_fuzz.c - reads arbitrary bytes as the state of a host.  Whatever
 * the state contains, every key must still be able to become ready, and the
 * state must be read back unchanged after being written.  In the input, "@0" to
 * "@3" are replaced by the ids of the keys.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sign/key_state.h"
#include "tests/support/sign_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS = 4, TEXT_MAX = 65536, NOW = 1800000000 };

static const char *const domains[KEYS] = { "a.example", "a.example",
	"b.example", "c.example" };
static const char *const selectors[KEYS] = { "k1", "k2", "k1", "k1" };

static struct test_keys folder;
static struct sign_keys *set;
static struct sign_key *keys[KEYS];
static struct pauses pauses;

static void
remove_folder(void)
{
	test_keys_end(&folder);
}

static void
begin_sign_state(void)
{
	test_keys_begin(&folder);
	atexit(remove_folder);
	for (size_t i = 0; i < KEYS; i++)
		test_keys_add_unpublished(
		    &folder, domains[i], selectors[i], PRIVATE_KEY_ED25519);
	set = test_keys_load(&folder);
	for (size_t i = 0; i < KEYS; i++) {
		struct sign_domain *d =
		    sign_keys_domain(set, span_str(domains[i]));

		for (size_t k = 0; k < d->n_keys; k++)
			if (strcmp(d->keys[k]->selector, selectors[i]) == 0)
				keys[i] = d->keys[k];
		assert(keys[i] != NULL);
	}
}

static void
put_state_text(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned key =
		    i + 1 < text.n ? (unsigned)(text.p[i + 1] - '0') : KEYS;

		if (text.p[i] != '@' || key >= KEYS) {
			buf_byte(b, text.p[i]);
			continue;
		}
		for (size_t k = 0; k < CRYPTO_HASH_SIZE; k++)
			buf_printf(
			    b, "%02x", private_key_id(keys[key]->key)[k]);
		i++;
	}
}

static void
take_state(void *arg, const struct key_state_line *line)
{
	const struct rotation_state *state = &line->state;
	size_t *n = arg;

	if (line->key == NULL)
		return;

	assert(!state->ready || state->ever);
	assert(state->wait >= 0 && state->wait <= ROTATION_WAIT_MAX);
	assert(state->since >= 0 && state->seen >= 0 && state->used >= 0);
	assert(state->since <= NOW && state->seen <= NOW && state->used <= NOW);
	line->key->state = *state;
	++*n;
}

static size_t
read_states(struct span text, size_t *n)
{
	const struct key_state_reader reader = {
		.keys = set, .now = NOW, .each = take_state, .arg = n
	};

	return key_state_parse(text, &reader, &pauses);
}

static void
check_written(void)
{
	struct rotation_state before[KEYS];
	const struct pauses pauses_before = pauses;
	size_t size = 0, n = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return;
	key_state_put(f, set, &pauses);
	fclose(f);
	for (size_t i = 0; i < KEYS; i++)
		before[i] = keys[i]->state;
	assert(read_states(span_of(text, size), &n) == 0);
	assert(n == KEYS);
	assert(memcmp(&pauses, &pauses_before,
		   offsetof(struct pauses, is_silent)) == 0);
	for (size_t i = 0; i < KEYS; i++) {
		const struct rotation_state *a = &before[i];
		const struct rotation_state *b = &keys[i]->state;

		assert(a->since == b->since && a->wait == b->wait &&
		    a->seen == b->seen && a->absent == b->absent &&
		    a->used == b->used && a->ready == b->ready &&
		    a->ever == b->ever && a->signs == b->signs);
	}
	free(text);
}

/* Whatever state was read, a new message must end the silence (is_silent). */
static void
check_pauses(void)
{
	const int64_t now = 1800000000;

	pauses_resume(&pauses, now);
	assert(pauses.last <= now && pauses.since <= now);
	for (int i = 0; i < 400; i++) /* one hour per step */
		(void)pauses_note(&pauses, 0, now + i * INT64_C(3600));
	(void)pauses_note(&pauses, now + 1440000, now + 1440000);
	assert(!pauses.is_silent);
}

/* Each key must become ready once its record has been present for long
 * enough. */
static void
check_not_stuck(void)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct rotation_state s = keys[i]->state;

		for (int day = 0; day < 9; day++)
			(void)rotation_observe(&s, ROTATION_PRESENT, 3600,
			    1800000000 + day * INT64_C(86400));
		assert(s.ready);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	size_t n = 0;

	if (set == NULL)
		begin_sign_state();
	for (size_t i = 0; i < KEYS; i++)
		keys[i]->state = (struct rotation_state){ .since = 0 };
	pauses = (struct pauses){ .since = 0 };
	put_state_text(&b, span_of((const char *)data, size));
	(void)read_states(buf_view(&b), &n);
	check_written();
	check_not_stuck();
	check_pauses();
	return 0;
}
