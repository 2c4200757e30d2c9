#include "report/show/replay.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "conf/names.h"

enum {
	SLOTS = 1 << 15,       /* more than twice REPLAY_CHANGES_MAX */
	DECIDE_MEMORY = 65536, /* bytes, for the strings of one decision */
	KEY_MAX = 1024,        /* bytes: a domain, two rules, four actions */
	NAME_SHOWN_MAX = 255,
};

struct replay {
	const struct conf *conf;
	int64_t now;
	struct replay_sum sum;
	struct arena *scratch; /* for one decision */
	struct arena *texts;   /* for the changes */
	struct hash_secret secret;
	struct replay_change changes[REPLAY_CHANGES_MAX];
	size_t n;
	uint32_t slots[SLOTS]; /* index in `changes` + 1; 0: free */
};

struct replay *
replay_new(const struct conf *conf, int64_t now)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->conf = conf_ref(conf);
	r->now = now;
	r->sum.first = r->sum.last = -1;
	r->scratch = arena_new(DECIDE_MEMORY);
	r->texts = arena_new(REPLAY_MEMORY);
	r->secret = hash_secret_new();
	if (r->scratch == NULL || r->texts == NULL) {
		replay_free(r);
		return NULL;
	}
	return r;
}

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	arena_free(r->scratch);
	arena_free(r->texts);
	conf_unref(r->conf);
	free(r);
}

/* Returns the domain that a message is from, or "<>" if it is unknown. */
static struct span
domain_of(const struct policy_input *f)
{
	if (f->dmarc_domain.n > 0)
		return f->dmarc_domain;
	if (f->n_from_domains > 0)
		return f->from_domains[0];
	return f->mail_from_domain.n > 0 ? f->mail_from_domain : SPAN("<>");
}

static void
key_text(struct buf *b, struct span s)
{
	buf_span(b, span_first(s, NAME_SHOWN_MAX));
	buf_byte(b, '\0');
}

static struct span
key_of(struct buf *b, const struct replay_change *c)
{
	key_text(b, c->domain);
	key_text(b, c->then.action);
	key_text(b, c->then.would);
	key_text(b, c->then.rule);
	key_text(b, c->now.action);
	key_text(b, c->now.would);
	key_text(b, c->now.rule);
	return buf_view(b);
}

static bool
same_end(const struct replay_end *a, const struct replay_end *b)
{
	return span_equal(a->action, b->action) &&
	    span_equal(a->would, b->would) && span_equal(a->rule, b->rule);
}

static bool
same_change(const struct replay_change *a, const struct replay_change *b)
{
	return span_equal(a->domain, b->domain) &&
	    same_end(&a->then, &b->then) && same_end(&a->now, &b->now);
}

static bool
copy_end(struct arena *a, struct replay_end *end)
{
	end->action = arena_copy(a, end->action);
	end->would = arena_copy(a, end->would);
	end->rule = arena_copy(a, end->rule);
	return end->action.p != NULL && end->would.p != NULL &&
	    end->rule.p != NULL;
}

/* Adds a change, or adds its messages to an equal one. */
static void
note_change(struct replay *r, struct replay_change change)
{
	char memory[KEY_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	uint64_t at = hash_span(r->secret, key_of(&b, &change), 0);

	for (;; at++) {
		uint32_t *slot = &r->slots[at % SLOTS];

		if (*slot == 0) {
			change.domain = arena_copy(r->texts,
			    span_first(change.domain, NAME_SHOWN_MAX));
			if (r->n == REPLAY_CHANGES_MAX ||
			    change.domain.p == NULL ||
			    !copy_end(r->texts, &change.then) ||
			    !copy_end(r->texts, &change.now)) {
				r->sum.unlisted += change.messages;
				return;
			}
			r->changes[r->n++] = change;
			*slot = (uint32_t)r->n;
			return;
		}
		if (same_change(&r->changes[*slot - 1], &change)) {
			r->changes[*slot - 1].messages += change.messages;
			return;
		}
	}
}

static bool
was_skipped(const struct ledger_replay_row *f)
{
	return span_starts_nocase(f->rule, "skip.");
}

/* Rows stored by an earlier version may contain old names. */
static struct span
current_action(struct span stored)
{
	const char *new_value = conf_new_value(stored);

	return new_value != NULL ? span_str(new_value) : stored;
}

bool
replay_add(struct replay *r, const struct ledger_replay_row *f)
{
	struct policy_decision d;
	struct replay_change change = {
		.domain = domain_of(&f->facts),
		.then = { current_action(f->action), current_action(f->would),
		    f->rule },
		.messages = f->messages,
	};

	arena_rewind(r->scratch);
	policy_decide(r->conf, &f->facts, r->now, r->scratch, &d);
	if (arena_has_failed(r->scratch))
		return false;
	if (r->sum.first < 0 || f->day < r->sum.first)
		r->sum.first = f->day;
	if (f->day > r->sum.last)
		r->sum.last = f->day;
	r->sum.messages += f->messages;
	if (was_skipped(f) && !d.skipped) {
		r->sum.unchecked += f->messages;
		return true;
	}
	change.now = (struct replay_end){
		.action = span_str(conf_action_name(d.action)),
		.would = span_str(conf_action_name(d.would)),
		.rule = d.rule,
	};
	if (span_equal(change.then.action, change.now.action) &&
	    span_equal(change.then.would, change.now.would))
		return true;
	r->sum.otherwise += f->messages;
	note_change(r, change);
	return true;
}

struct replay_sum
replay_sum(const struct replay *r)
{
	return r->sum;
}

static int
order(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int code = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return code != 0 ? code : (a.n > b.n) - (a.n < b.n);
}

static int
by_messages(const void *left, const void *right)
{
	const struct replay_change *a = left, *b = right;
	int code = (a->messages < b->messages) - (a->messages > b->messages);

	if (code == 0)
		code = order(a->domain, b->domain);
	if (code == 0)
		code = order(a->now.rule, b->now.rule);
	return code != 0 ? code : order(a->then.rule, b->then.rule);
}

const struct replay_change *
replay_changes(struct replay *r, size_t *n)
{
	qsort(r->changes, r->n, sizeof(r->changes[0]), by_messages);
	/* Sorting moved the changes, so recompute their slots. */
	memset(r->slots, 0, sizeof(r->slots));
	for (size_t i = 0; i < r->n; i++) {
		char memory[KEY_MAX];
		struct buf b = buf_wrap(memory, sizeof(memory));
		uint64_t at =
		    hash_span(r->secret, key_of(&b, &r->changes[i]), 0);

		while (r->slots[at % SLOTS] != 0)
			at++;
		r->slots[at % SLOTS] = (uint32_t)i + 1;
	}
	*n = r->n;
	return r->changes;
}
