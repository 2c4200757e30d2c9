/* deliver.c - passes planned reports to the mail system. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/date.h"
#include "report/send/internal.h"

enum {
	TEXT_MAX = 2000,      /* bytes of the human-readable text */
	NAME_MAX_BYTES = 700, /* bytes of a file name */
	ID_MAX = 400,         /* bytes of a Message-ID */
};

/* ---- due deliveries ---- */

struct delivery_item {
	struct delivery_item *next;
	struct ledger_delivery d;
};

struct ways {
	struct arena *a;
	struct delivery_item *first, **end;
	bool cut; /* memory ran out, so the list is incomplete */
};

static bool
copy(struct ways *l, struct span *s)
{
	*s = arena_copy(l->a, *s);
	return s->p != NULL;
}

static bool
add_way(void *arg, const struct ledger_delivery *d)
{
	struct ways *l = arg;
	struct delivery_item *w = arena_alloc(l->a, sizeof(*w));

	if (w != NULL) {
		w->d = *d;
		w->d.note = SPAN_NONE;
		w->d.report.note = SPAN_NONE;
	}
	if (w == NULL || !copy(l, &w->d.destination) ||
	    !copy(l, &w->d.report.domain) || !copy(l, &w->d.report.report_id) ||
	    !copy(l, &w->d.report.record)) {
		l->cut = true;
		return false;
	}
	*l->end = w;
	l->end = &w->next;
	return true;
}

/* ---- changing the state ---- */

static bool
is_failure(const struct ledger_report *r)
{
	return r->part >= LEDGER_FAILURE_PART;
}

static void
send_tell_delivery(struct send *s, const struct ledger_delivery *d,
    enum send_kind kind, struct span note)
{
	bool single = is_failure(&d->report); /* if so, `part` contains the
	                                         id of a stored failure */
	struct send_event e = {
		.kind = kind,
		.day = d->report.day,
		.domain = d->report.domain,
		.report_id = d->report.report_id,
		.destination = d->destination,
		.note = note,
		.part = single ? 1 : d->report.part,
		.parts = single ? 1 : d->report.parts,
		.rows = d->report.rows,
		.messages = d->report.messages,
	};

	send_notify(s, &e);
}

/* Changes the state of the delivery.  Returns LEDGER_NONE if another process
 * has changed it. */
static enum ledger_step
move(struct send *s, struct ledger_delivery *d, enum ledger_state to,
    struct span note)
{
	struct ledger_move m = {
		.id = d->id,
		.from = d->state,
		.to = to,
		.attempts = d->attempts,
		.now = s->o->now,
		.not_before = s->o->now,
		.note = note,
	};
	enum ledger_step step;

	step = ledger_move(s->ledger, &m);
	if (step == LEDGER_ERROR)
		send_ledger_fault(s);
	if (step == LEDGER_OK)
		d->state = to;
	return step;
}

/* Changes the state of the delivery, and reports the change.  Returns false
 * after an error. */
static bool
settle_delivery(struct send *s, struct ledger_delivery *d, enum ledger_state to,
    enum send_kind kind, struct span note)
{
	switch (move(s, d, to, note)) {
	case LEDGER_OK:
		send_tell_delivery(s, d, kind, note);
		break;
	case LEDGER_NONE:
		break;
	case LEDGER_ERROR:
		return false;
	}
	return true;
}

/* ---- the message ---- */

struct before {
	uint64_t part, rows;
};

static bool
add_rows(void *arg, const struct ledger_report *r)
{
	struct before *b = arg;

	if (r->part < b->part)
		b->rows += r->rows;
	return true;
}

static bool
put_attachment(void *arg, struct span bytes)
{
	mime_attach(arg, bytes);
	return true;
}

/* Writes the file name that RFC 9990 section 3.5.2 defines. */
static void
put_file_name(
    struct buf *b, const struct send *s, const struct ledger_report *r)
{
	buf_span(b, s->submitter);
	buf_printf(b, "!%.*s!%lld!%lld!", SPAN_FMT(r->domain),
	    (long long)r->day * DATE_DAY,
	    ((long long)r->day + 1) * DATE_DAY - 1);
	buf_span(b, r->report_id);
	buf_text(b, ".xml.gz");
}

static void
put_report_intro(
    struct buf *b, const struct send *s, const struct ledger_report *r)
{
	buf_printf(b,
	    "This is a DMARC aggregate report (RFC 9990) about mail from\n"
	    "%.*s,\nwhich %.*s received on ",
	    SPAN_FMT(r->domain), SPAN_FMT(s->submitter));
	date_put_day(b, r->day);
	buf_text(b, " (UTC).\n\n");
	buf_printf(b, "Messages: %llu\n", (unsigned long long)r->messages);
	if (r->parts > 1)
		buf_printf(b,
		    "Part %llu of %llu; each part has its own report id\n",
		    (unsigned long long)r->part, (unsigned long long)r->parts);
	buf_printf(b,
	    "Report id: %.*s\n"
	    "\n"
	    "It was requested by the rua tag in the domain's DMARC record.\n",
	    SPAN_FMT(r->report_id));
}

/*
 * RFC 9990 section 3.5.2: the report id is part of the Message-ID.  One report
 * may go to several addresses, so the proof and the id of the delivery are
 * added, by which receive/bounce.c recognizes a bounce of this delivery.
 */
static void
put_message_id(
    struct buf *b, const struct send *s, const struct ledger_delivery *d)
{
	buf_span(b, d->report.report_id);
	buf_byte(b, '.');
	buf_number(b, ledger_delivery_proof(s->seed, d));
	buf_byte(b, '.');
	buf_number(b, (uint64_t)d->id);
	buf_byte(b, '@');
	buf_span(b, s->submitter);
}

/* Counts the rows in the parts before `r`. */
static bool
rows_before(struct send *s, const struct ledger_report *r, uint64_t *rows)
{
	struct before before = { .part = r->part };

	if (ledger_each_report(s->ledger, r->day, r->domain, add_rows,
		&before) == LEDGER_ERROR)
		return send_ledger_fault(s);
	*rows = before.rows;
	return true;
}

/* Writes the rows of the report, after the first `skip` rows, as the
 * attachment. */
static bool
attach_report(struct send *s, const struct ledger_report *r, uint64_t skip,
    struct letter_writer *w, uint64_t *messages)
{
	struct aggregate_info info = send_info(s, r->day, r->domain, r->record);
	struct parts_range range = {
		.skip = skip, .rows = r->rows, .last = r->part == r->parts
	};

	info.report_id = r->report_id;
	if (!split_write(
		s->ledger, r->day, &info, &range, put_attachment, w, messages))
		return send_ledger_fault(s);
	return true;
}

static bool
write_aggregate(struct send *s, const struct ledger_report *r, uint64_t skip,
    struct mime_message *letter, FILE *out, uint64_t *messages)
{
	char name_memory[NAME_MAX_BYTES], text_memory[TEXT_MAX];
	struct buf name = buf_wrap(name_memory, sizeof(name_memory));
	struct buf text = buf_wrap(text_memory, sizeof(text_memory));
	struct letter_writer w;

	put_file_name(&name, s, r);
	put_report_intro(&text, s, r);
	letter->file_name = buf_view(&name);
	letter->text = buf_view(&text);
	mime_begin(&w, out, letter);
	if (!attach_report(s, r, skip, &w, messages))
		return false;
	return mime_end(&w) || send_fault(s, "cannot write a temporary file");
}

static bool
write_letter(struct send *s, const struct ledger_delivery *d, uint64_t skip,
    FILE *out, uint64_t *messages)
{
	const struct ledger_report *r = &d->report;
	char id_memory[ID_MAX];
	struct buf id = buf_wrap(id_memory, sizeof(id_memory));
	struct mime_message letter = {
		.from = s->o->email,
		.to = d->destination,
		.domain = r->domain,
		.submitter = s->submitter,
		.report_id = r->report_id,
		.date = r->made,
	};

	put_message_id(&id, s, d);
	letter.message_id = buf_view(&id);
	return is_failure(r)
	    ? send_write_failure(s, d, &letter, out, messages)
	    : write_aggregate(s, r, skip, &letter, out, messages);
}

bool
send_print_mail(struct send *s, const struct ledger_delivery *d, uint64_t skip)
{
	uint64_t messages;

	if (s->o->mails == NULL)
		return true;
	fprintf(s->o->mails, "From %.*s Thu Jan  1 00:00:00 1970\n",
	    SPAN_FMT(s->o->email));
	if (!write_letter(s, d, skip, s->o->mails, &messages))
		return false;
	fputc('\n', s->o->mails);
	return true;
}

/* ---- a delivery ---- */

static enum send_kind
kind_of(enum ledger_state state)
{
	switch (state) {
	case LEDGER_SENT:
		return SEND_SENT;
	case LEDGER_DROPPED:
		return SEND_DROPPED;
	case LEDGER_PLANNED:
	case LEDGER_SENDING:
	case LEDGER_WAITING:
		break;
	}
	return SEND_WAITING;
}

/* The worker runs sendmail and records the outcome (delivery_worker.h). */
static bool
hand_over(struct send *s, struct ledger_delivery *d, FILE *mail)
{
	struct worker_job job = {
		.id = d->id,
		.attempts = d->attempts,
		.from = d->state,
		.now = s->o->now,
	};
	struct worker_reply reply;
	struct buf to = buf_wrap(job.to, sizeof(job.to));

	buf_span(&to, d->destination);
	if (to.full)
		return settle_delivery(s, d, LEDGER_DROPPED, SEND_DROPPED,
		    SPAN("the address is too long"));
	if (!worker_submit(s->o->worker, &job, fileno(mail), &reply))
		return send_fault(
		    s, "the process that runs sendmail has ended");
	switch (reply.step) {
	case LEDGER_NONE:
		return true;
	case LEDGER_ERROR:
		return send_fault(s, reply.note);
	case LEDGER_OK:
		break;
	}
	send_tell_delivery(s, d, kind_of(reply.state), span_str(reply.note));
	s->left += reply.state == LEDGER_WAITING;
	s->failures = reply.state == LEDGER_WAITING ? s->failures + 1 : 0;
	return true;
}

static bool
make_and_hand_over(struct send *s, struct ledger_delivery *d)
{
	FILE *mail = tmpfile();
	uint64_t messages = 0, skip = 0;
	bool good;

	if (mail == NULL)
		return send_fault(s, "cannot create a temporary file");
	good = rows_before(s, &d->report, &skip) &&
	    write_letter(s, d, skip, mail, &messages) &&
	    (fseek(mail, 0, SEEK_SET) == 0 ||
		send_fault(s, "cannot write a temporary file"));
	if (good && messages == 0)
		good = settle_delivery(s, d, LEDGER_DROPPED, SEND_DROPPED,
		    SPAN("its rows have expired"));
	else if (good)
		good = hand_over(s, d, mail);
	fclose(mail);
	return good;
}

/*
 * Whether another process may still be working on the delivery.  Usually not:
 * the process that started the delivery was killed (run.h).  But if hosts share
 * the store, that process may only have lost its connection, and with it the
 * lock for sending.
 */
static bool
maybe_in_progress(const struct send *s, const struct ledger_delivery *d)
{
	return d->state == LEDGER_SENDING &&
	    sql_is_shared(ledger_sql(s->ledger)) &&
	    s->o->now < d->changed + SEND_HANDING_S;
}

/* Sets `why` to the reason for dropping the delivery, or to "" if there is
 * none.  Returns false after an error. */
static bool
is_given_up(struct send *s, const struct ledger_delivery *d, const char **why)
{
	struct arena *a = arena_new(1 << 16);
	struct ledger_bounce b;

	*why = "";
	if (a == NULL)
		return send_fault(s, "out of memory");
	switch (ledger_get_bounce(s->ledger, d->destination, a, &b)) {
	case LEDGER_OK:
		if (b.suppressed && s->o->now - b.last < s->o->bounce_pause)
			*why = "mail to this address bounces";
		break;
	case LEDGER_NONE:
		break;
	case LEDGER_ERROR:
		arena_free(a);
		return send_ledger_fault(s);
	}
	arena_free(a);
	if (s->o->now - d->report.made > SEND_EXPIRE_DAYS * DATE_DAY)
		*why = "it could not be sent within 7 days";
	if (is_failure(&d->report) && !s->o->failures)
		*why = "failure reports are disabled";
	return true;
}

static bool
deliver_one(struct send *s, struct ledger_delivery *d)
{
	const char *why;
	uint64_t sent = 0;

	if (maybe_in_progress(s, d)) {
		s->left++;
		send_tell_delivery(
		    s, d, SEND_WAITING, SPAN("another host may be sending it"));
		return true;
	}
	if (d->state == LEDGER_SENDING &&
	    move(s, d, LEDGER_WAITING, SPAN("")) != LEDGER_OK)
		return s->error.n == 0;
	if (!is_given_up(s, d, &why))
		return false;
	if (why[0] != '\0')
		return settle_delivery(
		    s, d, LEDGER_DROPPED, SEND_DROPPED, span_str(why));
	if (ledger_sent_to(s->ledger, d->destination, s->o->now - DATE_DAY + 1,
		&sent) == LEDGER_ERROR)
		return send_ledger_fault(s);
	if (sent >= s->o->max_per_address) {
		s->left++;
		send_tell_delivery(s, d, SEND_WAITING,
		    SPAN("the limit per address has been reached"));
		return true;
	}
	return make_and_hand_over(s, d);
}

static bool
show_delivery(struct send *s, const struct ledger_delivery *d)
{
	uint64_t skip = 0;

	send_tell_delivery(
	    s, d, SEND_PLANNED, SPAN("planned by an earlier run"));
	return rows_before(s, &d->report, &skip) && send_print_mail(s, d, skip);
}

static bool
deliver_round(
    struct send *s, struct span domain, struct ways *l, int64_t *after)
{
	struct ledger_want want = {
		.day = s->o->day,
		.domain = domain,
		.states = 1u << LEDGER_PLANNED | 1u << LEDGER_SENDING |
		    1u << LEDGER_WAITING,
		.due = s->o->now,
		.after = *after,
	};

	l->end = &l->first;
	if (ledger_each_delivery(s->ledger, &want, add_way, l) == LEDGER_ERROR)
		return send_ledger_fault(s);
	for (struct delivery_item *w = l->first; w != NULL; w = w->next) {
		*after = w->d.id;
		if (s->o->dry_run) {
			if (!show_delivery(s, &w->d))
				return false;
			continue;
		}
		if (!deliver_one(s, &w->d))
			return false;
		if (s->failures >= SEND_FAILURES_MAX)
			return send_fault(
			    s, "stopped, because sendmail keeps failing");
	}
	return true;
}

bool
send_deliver(struct send *s, struct span domain, int64_t *after)
{
	bool good = true, more = true;

	while (good && more) {
		struct ways l = { .a = arena_new(SEND_LIST_MEMORY) };

		if (l.a == NULL)
			return send_fault(s, "out of memory");
		good = deliver_round(s, domain, &l, after);
		more = l.cut;
		if (good && more && l.first == NULL)
			good = send_fault(s, "out of memory");
		arena_free(l.a);
	}
	return good;
}
