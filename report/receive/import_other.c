/*
 * import_other.c - imports TLS reports and failure reports.
 */
#include "report/receive/import_internal.h"

#include "dkim/crypto.h"
#include "report/receive/aggregate_xml.h"
#include "report/receive/feedback.h"
#include "report/receive/tls_json.h"

enum { OTHER_MEMORY = TLS_JSON_ARENA_MAX + (1 << 20) };

/* Refuses the message because the arena is full or could not be allocated. */
static bool
refuse_others(struct import_message *u)
{
	return import_refuse(u, SPAN(""), "too many TLS or failure reports");
}

static struct other_report *
other_new(struct import_message *u, enum report_import_what what)
{
	struct other_report *other;

	if (u->other_memory == NULL)
		u->other_memory = arena_new(OTHER_MEMORY);
	other = u->other_memory != NULL
	    ? arena_alloc(u->other_memory, sizeof(*other))
	    : NULL;
	if (other == NULL) {
		refuse_others(u);
		return NULL;
	}
	other->what = what;
	return other;
}

static void
other_add(struct import_message *u, struct other_report *other)
{
	if (u->others == NULL)
		u->last_other = &u->others;
	*u->last_other = other;
	u->last_other = &other->next;
	u->good++;
}

/* Returns the key that ensures that a report is stored only once: a hash in
 * hexadecimal. */
static struct span
make_key(struct arena *a, struct crypto_hash *hash)
{
	uint8_t bytes[CRYPTO_HASH_SIZE];
	struct buf b = buf_alloc(a, 2 * sizeof(bytes) + 1);

	if (!crypto_hash_snapshot(hash, bytes))
		return SPAN_NONE;
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_printf(&b, "%02x", bytes[i]);
	return b.full ? SPAN_NONE : buf_view(&b);
}

/* ---- TLS reports ---- */

/* Returns the key of a TLS report: a hash of organisation, id, period and
 * domains, because some reporters use one id for several domains. */
static struct span
tls_key(struct arena *a, const struct ledger_tls *tls)
{
	struct crypto_hash *hash = crypto_hash_new();
	char memory[60];
	struct buf period = buf_wrap(memory, sizeof(memory));
	struct span key = SPAN_NONE;

	buf_number(&period, (uint64_t)tls->begin);
	buf_byte(&period, '-');
	buf_number(&period, (uint64_t)tls->end);
	if (hash != NULL) {
		crypto_hash_add(hash, tls->organisation);
		crypto_hash_add(hash, SPAN("\n"));
		crypto_hash_add(hash, tls->report_id);
		crypto_hash_add(hash, SPAN("\n"));
		crypto_hash_add(hash, buf_view(&period));
		for (size_t i = 0; i < tls->n; i++) {
			struct span domain = tls->results[i].domain;

			if (i > 0 &&
			    span_equal(domain, tls->results[i - 1].domain))
				continue;
			crypto_hash_add(hash, SPAN("\n"));
			crypto_hash_add(hash, domain);
		}
		key = make_key(a, hash);
	}
	crypto_hash_free(hash);
	return key;
}

static bool
add_tls(struct import_message *u, struct other_report *other)
{
	struct ledger_tls *tls = &other->tls;
	struct arena *a = u->other_memory;

	if (tls->begin > u->in->now + REPORT_IMPORT_AHEAD)
		return import_refuse(
		    u, SPAN(""), "its date range is in the future");
	tls->key = tls_key(a, tls);
	tls->file = arena_copy(a, span_first(u->file, READ_VALUE_MAX));
	tls->read = u->in->now;
	if (tls->key.p == NULL || tls->file.p == NULL)
		return refuse_others(u);
	other_add(u, other);
	return true;
}

/* Reads JSON; in a message or an archive it need not be a report. */
bool
import_take_json(struct import_message *u, struct span name, struct span bytes)
{
	struct other_report *other;
	const char *reason;

	if (u->storing)
		return true;
	other = import_count(u) ? other_new(u, REPORT_IMPORT_TLS) : NULL;
	if (other == NULL)
		return false;
	switch (tls_json_read(bytes, u->other_memory, &other->tls, &reason)) {
	case TLS_JSON_DONE:
		return add_tls(u, other);
	case TLS_JSON_OTHER:
		return u->depth > 1 || import_refuse(u, name, reason);
	case TLS_JSON_REFUSED:
		return import_refuse(u, name, reason);
	case TLS_JSON_MEMORY:
		break;
	}
	return refuse_others(u);
}

/* ---- failure reports ---- */

static bool
begin_failure(struct import_mail *m, struct other_report *other,
    const struct mailbox_part *part)
{
	m->hash = crypto_hash_new();
	if (m->hash == NULL)
		return import_fail(m->unit, "out of memory");
	crypto_hash_add(m->hash, part->bytes);
	m->failure = other;
	return true;
}

bool
import_take_feedback(struct import_mail *m, const struct mailbox_part *part)
{
	struct import_message *u = m->unit;
	struct other_report *other;
	const char *reason;

	m->is_over = true;
	if (u->storing)
		return true;
	other = import_count(u) ? other_new(u, REPORT_IMPORT_FAILURE) : NULL;
	if (other == NULL)
		return false;
	switch (feedback_read(part->bytes, part->sender, u->in->now,
	    u->other_memory, &other->incident, &reason)) {
	case FEEDBACK_DONE:
		return begin_failure(m, other, part);
	case FEEDBACK_OTHER:
		return true;
	case FEEDBACK_REFUSED:
		return import_refuse(u, part->name, reason);
	case FEEDBACK_MEMORY_LACKS:
		break;
	}
	return refuse_others(u);
}

void
import_take_rest(struct import_mail *m, const struct mailbox_part *part)
{
	if (m->hash != NULL)
		crypto_hash_add(m->hash, part->bytes);
}

bool
import_end_mail(struct import_mail *m)
{
	struct import_message *u = m->unit;
	struct ledger_incident *incident;

	if (m->failure == NULL)
		return true;
	incident = &m->failure->incident;
	incident->key = make_key(u->other_memory, m->hash);
	incident->file =
	    arena_copy(u->other_memory, span_first(u->file, READ_VALUE_MAX));
	incident->read = u->in->now;
	if (incident->key.p == NULL || incident->file.p == NULL)
		return refuse_others(u);
	other_add(u, m->failure);
	return true;
}

/* ---- storing ---- */

static bool
store_other(struct import_message *u, const struct other_report *other)
{
	struct ledger *l = u->in->ledger;
	enum ledger_step step = LEDGER_OK;

	if (l != NULL && !import_has_room(u, 0))
		return false;
	if (l != NULL)
		step = other->what == REPORT_IMPORT_TLS
		    ? ledger_add_tls(l, &other->tls)
		    : ledger_add_incident(l, &other->incident);
	if (step == LEDGER_ERROR)
		return import_fail_store(u);
	import_event(u,
	    step == LEDGER_OK ? REPORT_IMPORT_STORED : REPORT_IMPORT_KNOWN,
	    other->what, NULL);
	return true;
}

bool
import_store_others(struct import_message *u)
{
	for (const struct other_report *other = u->others; other != NULL;
	     other = other->next)
		if (!store_other(u, other))
			return false;
	return true;
}
