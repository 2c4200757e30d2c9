#include "report/receive/import_internal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "dkim/crypto.h"
#include "lib/scan.h"
#include "report/receive/aggregate_xml.h"
#include "report/receive/archive.h"
#include "report/receive/smime.h"

enum {
	PEEK = 512,            /* bytes used to detect the type of a file */
	FIRST_INNER = 1 << 16, /* initial buffer size in bytes; doubled up to
	                          REPORT_IMPORT_NESTED_MAX */
};

/* ---- detecting the format ---- */

enum form {
	FORM_OTHER,
	FORM_XML,
	FORM_JSON,
	FORM_GZIP,
	FORM_ZIP,
	FORM_SMIME,
	FORM_MAIL,
	FORM_MBOX
};

/* Whether a message may begin here, with a header field (RFC 5322 section
 * 2.2). */
static bool
is_mail(struct span bytes)
{
	struct scan s = scan_of(bytes);
	struct span name = scan_while(&s, ascii_is_ftext);

	return name.n > 1 && (scan_peek(&s) == ':' || scan_peek(&s) == ' ') &&
	    span_has(bytes, ':') && name.p[0] != '<';
}

/* Returns the first byte after a byte order mark, white space and the NULs of
 * UTF-16. */
static char
first_byte(struct span bytes)
{
	static const char *const marks[] = { "\xef\xbb\xbf", "\xff\xfe",
		"\xfe\xff" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (span_equal(span_first(bytes, strlen(marks[i])),
			span_str(marks[i])))
			bytes = span_skip(bytes, strlen(marks[i]));
	while (bytes.n > 0 &&
	    (ascii_is_space((unsigned char)bytes.p[0]) || bytes.p[0] == '\0'))
		bytes = span_skip(bytes, 1);
	return bytes.n > 0 ? bytes.p[0] : '\0';
}

static enum form
form_of(struct span bytes)
{
	switch (unpack_kind(bytes)) {
	case UNPACK_ZIP:
		return FORM_ZIP;
	case UNPACK_GZIP:
		return FORM_GZIP;
	case UNPACK_NOT:
		break;
	}
	if (first_byte(bytes) == '<')
		return FORM_XML;
	if (first_byte(bytes) == '{')
		return FORM_JSON;
	if (smime_is(bytes))
		return FORM_SMIME;
	if (mailbox_is_mbox(bytes))
		return FORM_MBOX;
	return is_mail(bytes) ? FORM_MAIL : FORM_OTHER;
}

/* ---- errors and results ---- */

bool
import_refuse(struct import_message *u, struct span name, const char *reason)
{
	struct buf b = buf_wrap(u->reason, sizeof(u->reason));

	if (u->bad)
		return false;
	u->bad = true;
	u->kind = REPORT_IMPORT_REFUSED;
	if (name.n > 0) {
		buf_printable(&b, name, UNPACK_NAME_MAX);
		buf_text(&b, ": ");
	}
	buf_text(&b, reason);
	return false;
}

bool
import_fail(struct import_message *u, const char *reason)
{
	if (!u->bad) {
		import_refuse(u, SPAN(""), reason);
		u->kind = REPORT_IMPORT_FAULT;
	}
	return false;
}

bool
import_fail_store(struct import_message *u)
{
	return import_fail(u, ledger_error(u->in->ledger));
}

void
import_event(const struct import_message *u, enum report_import_kind kind,
    enum report_import_what what, const struct ledger_received *report)
{
	u->in->on_event(u->in->arg,
	    &(struct report_import_event){ .kind = kind,
		.what = what,
		.file = u->file,
		.mail = u->mail,
		.report = report,
		.reason = span_str(u->reason) });
}

bool
import_has_room(struct import_message *u, uint64_t rows)
{
	u->stopped =
	    u->in->has_room != NULL && !u->in->has_room(u->in->arg, rows);
	return !u->stopped;
}

bool
import_count(struct import_message *u)
{
	return ++u->reports <= REPORT_IMPORT_REPORTS_MAX ||
	    import_refuse(u, SPAN(""), "more than 1000 reports in one file");
}

/* ---- one document ---- */

struct peeked_stream { /* a file; `first` has the bytes read to detect its
	                  format */
	struct import_message *unit;
	char first[PEEK];
	struct span rest;      /* unread bytes in memory */
	struct unpack *unpack; /* NULL: nothing follows `rest` */
};

static ptrdiff_t
pull(void *arg, char *to, size_t n)
{
	struct peeked_stream *s = arg;
	ptrdiff_t got;

	if (s->rest.n == 0 && s->unpack != NULL) {
		got = unpack_read(s->unpack, to, n);
		s->unit->unpacked += got > 0 ? got : 0;
		return s->unit->unpacked > REPORT_IMPORT_BYTES_MAX ? -1 : got;
	}
	if (n > s->rest.n)
		n = s->rest.n;
	if (n > 0)
		memcpy(to, s->rest.p, n);
	s->rest = span_skip(s->rest, n);
	return (ptrdiff_t)n;
}

struct row_store {
	struct import_message *unit;
	uint64_t unchecked; /* rows stored since has_room() was called */
};

static bool
store_row(void *arg, const struct report_row *row)
{
	struct row_store *s = arg;

	if (s->unchecked == REPORT_IMPORT_ROOM_ROWS) {
		if (!import_has_room(s->unit, s->unchecked))
			return false;
		s->unchecked = 0;
	}
	s->unchecked++;
	return ledger_add_received_row(s->unit->in->ledger, row) == LEDGER_OK;
}

static bool
refuse_document(struct import_message *u, const struct peeked_stream *s,
    struct span name, enum read_end end, const char *error)
{
	if (end == READ_MEMORY)
		return import_fail(u, "out of memory");
	if (end != READ_BROKEN)
		return import_refuse(u, name, error);
	return import_refuse(u, name,
	    u->unpacked > REPORT_IMPORT_BYTES_MAX
		? "a decompression bomb: it unpacks to more than 1 GiB"
		: unpack_error(s->unpack));
}

/* First pass: checks the document, and keeps everything except the rows. */
static bool
check_document(
    struct import_message *u, struct peeked_stream *s, struct span name)
{
	const struct read_document d = { .pull = pull, .arg = s };
	struct read_report *h = arena_alloc(u->a, sizeof(*h));
	char error[READ_ERROR_MAX];
	enum read_end end = READ_MEMORY;

	if (!import_count(u))
		return false;
	if (h != NULL)
		end = read_document(&d, u->a, &h->report, error);
	if (end == READ_OTHER && (u->depth > 1 || s->unpack != NULL))
		h->other = true;
	else if (end != READ_DONE)
		return refuse_document(u, s, name, end, error);
	else if (h->report.begin > u->in->now + REPORT_IMPORT_AHEAD)
		return import_refuse(
		    u, name, "its date range is in the future");
	h->report.file = arena_copy(u->a, span_first(u->file, READ_VALUE_MAX));
	h->report.read = u->in->now;
	*u->last = h;
	u->last = &h->next;
	u->good += !h->other;
	return true;
}

/* Second pass: stores the rows of the document. */
static bool
store_rows(struct import_message *u, struct peeked_stream *s)
{
	struct row_store rows = { .unit = u };
	const struct read_document d = {
		.pull = pull, .arg = s, .row = store_row, .row_arg = &rows
	};
	struct arena *a = arena_new(READ_HEAD_MEMORY);
	struct ledger_received again;
	char error[READ_ERROR_MAX];
	enum read_end end =
	    a != NULL ? read_document(&d, a, &again, error) : READ_MEMORY;

	arena_free(a);
	if (u->stopped)
		return false;
	if (end == READ_STOPPED)
		return import_fail_store(u);
	return end == READ_DONE ||
	    import_fail(
		u, "out of memory, or the file changed while being read");
}

static bool
store_document(struct import_message *u, struct peeked_stream *s)
{
	struct read_report *h = u->at;
	struct ledger *l = u->in->ledger;
	bool good, replaces;

	if (h == NULL)
		return import_fail(u, "it changed while being read");
	u->at = h->next;
	if (h->other)
		return true;
	if (!import_has_room(u, 0))
		return false;
	switch (ledger_begin_received(l, &h->report, &replaces)) {
	case LEDGER_NONE:
		import_event(u, REPORT_IMPORT_KNOWN, REPORT_IMPORT_AGGREGATE,
		    &h->report);
		return true;
	case LEDGER_ERROR:
		return import_fail_store(u);
	case LEDGER_OK:
		break;
	}
	good = store_rows(u, s);
	if (ledger_end_received(l, good) != LEDGER_OK)
		return import_fail_store(u);
	if (good)
		import_event(u,
		    replaces ? REPORT_IMPORT_REPLACED : REPORT_IMPORT_STORED,
		    REPORT_IMPORT_AGGREGATE, &h->report);
	return good;
}

static bool
take_document(
    struct import_message *u, struct peeked_stream *s, struct span name)
{
	return u->storing ? store_document(u, s) : check_document(u, s, name);
}

/* ---- nested files ---- */

static bool import_bytes(
    struct import_message *u, struct span name, struct span bytes);

/* Doubles the memory.  If memory ran out, frees the old memory and returns
 * NULL. */
static char *
grow(char *bytes, size_t *room)
{
	char *more = realloc(bytes, 2 * *room);

	if (more == NULL)
		free(bytes);
	*room *= 2;
	return more;
}

/* Reads the rest of a stream into memory, for a parser that needs all of it. */
static bool
import_nested(
    struct import_message *u, struct peeked_stream *s, struct span name)
{
	size_t n = 0, room = FIRST_INNER;
	char *bytes = malloc(room);
	ptrdiff_t got = 0;
	bool good;

	while (bytes != NULL && n < room &&
	    (got = pull(s, bytes + n, room - n)) > 0) {
		n += (size_t)got;
		if (n == room && room < REPORT_IMPORT_NESTED_MAX)
			bytes = grow(bytes, &room);
	}
	if (bytes == NULL)
		good = import_fail(u, "out of memory");
	else if (got < 0)
		good = refuse_document(u, s, name, READ_BROKEN, "");
	else if (n >= REPORT_IMPORT_NESTED_MAX)
		good =
		    import_refuse(u, name, "more than 64 MiB in a nested file");
	else
		good = import_bytes(u, name, span_of(bytes, n));
	free(bytes);
	return good;
}

/* Reads one file in an archive. */
static bool
take_entry(struct import_message *u, struct unpack *archive, struct span name)
{
	struct peeked_stream s = { .unit = u, .unpack = archive };
	ptrdiff_t got = 0;
	size_t n = 0;

	while (
	    n < PEEK && (got = unpack_read(archive, s.first + n, PEEK - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		return import_refuse(u, name, unpack_error(archive));
	u->unpacked += (int64_t)n;
	s.rest = span_of(s.first, n);
	switch (form_of(s.rest)) {
	case FORM_XML:
		return take_document(u, &s, name);
	case FORM_JSON:
	case FORM_GZIP:
	case FORM_ZIP:
	case FORM_SMIME:
	case FORM_MAIL:
		return import_nested(u, &s, name);
	case FORM_MBOX:
	case FORM_OTHER:
		return true;
	}
	return true;
}

static bool
take_archive(struct import_message *u, struct span name, struct span bytes)
{
	struct unpack *archive = unpack_open(bytes, unpack_kind(bytes));
	enum unpack_step step = UNPACK_END;
	struct span entry;
	bool good = archive != NULL || import_fail(u, "out of memory");

	while (good && (step = unpack_next(archive, &entry)) == UNPACK_FILE)
		good = take_entry(u, archive, entry);
	if (good && step == UNPACK_FAULT)
		good = import_refuse(u, name, unpack_error(archive));
	unpack_close(archive);
	return good;
}

/* Reads only parts that look like a report or a forwarded message, not the
 * message's own text. */
static bool
take_part(void *arg, const struct mailbox_part *part)
{
	struct import_mail *m = arg;

	if (part->kind == MAILBOX_FEEDBACK && !m->is_over)
		return import_take_feedback(m, part);
	import_take_rest(m, part);
	m->is_over = m->is_over || part->kind == MAILBOX_STATUS;
	if (m->is_over || part->kind == MAILBOX_HEADER)
		return true;
	switch (form_of(span_first(part->bytes, PEEK))) {
	case FORM_XML:
	case FORM_GZIP:
	case FORM_ZIP:
	case FORM_SMIME:
		return import_bytes(m->unit, part->name, part->bytes);
	case FORM_JSON:
	case FORM_MAIL:
		return part->kind == MAILBOX_TEXT ||
		    import_bytes(m->unit, part->name, part->bytes);
	case FORM_MBOX:
	case FORM_OTHER:
		return true;
	}
	return true;
}

static bool
take_mail(struct import_message *u, struct span name, struct span bytes)
{
	struct import_mail m = { .unit = u };
	const char *reason;
	bool good = false;

	switch (mailbox_each_part(bytes, take_part, &m, &reason)) {
	case MAILBOX_DONE:
		good = import_end_mail(&m);
		break;
	case MAILBOX_STOPPED:
		break;
	case MAILBOX_REFUSED:
		import_refuse(u, name, reason);
		break;
	case MAILBOX_MEMORY:
		import_fail(u, "out of memory");
		break;
	}
	crypto_hash_free(m.hash);
	return good;
}

static bool
take_content(void *arg, struct span content)
{
	return import_bytes(arg, SPAN(""), content);
}

static bool
take_smime(struct import_message *u, struct span name, struct span bytes)
{
	const char *reason;

	switch (smime_content(bytes, take_content, u, &reason)) {
	case SMIME_END_DONE:
	case SMIME_END_DETACHED:
		return true;
	case SMIME_END_STOPPED:
		return false;
	case SMIME_END_REFUSED:
		break;
	}
	return import_refuse(u, name, reason);
}

/* Reads a file of any format.  Recurses into archives and messages, at most
 * REPORT_IMPORT_NESTING_MAX levels deep. */
static bool
import_bytes(struct import_message *u, struct span name, struct span bytes)
{
	struct peeked_stream s = { .unit = u, .rest = bytes };
	bool good = true;

	if (u->depth == REPORT_IMPORT_NESTING_MAX)
		return import_refuse(
		    u, name, "files are nested more than 4 levels deep");
	u->depth++;
	switch (form_of(span_first(bytes, PEEK))) {
	case FORM_XML:
		good = take_document(u, &s, name);
		break;
	case FORM_JSON:
		good = import_take_json(u, name, bytes);
		break;
	case FORM_GZIP:
	case FORM_ZIP:
		good = take_archive(u, name, bytes);
		break;
	case FORM_SMIME:
		good = take_smime(u, name, bytes);
		break;
	case FORM_MAIL:
		good = take_mail(u, name, bytes);
		break;
	case FORM_MBOX:
	case FORM_OTHER:
		break;
	}
	u->depth--;
	return good;
}

/* ---- units ---- */

static const char *
nothing_in(struct span bytes)
{
	switch (form_of(span_first(bytes, PEEK))) {
	case FORM_MAIL:
		return "a message without a report";
	case FORM_GZIP:
	case FORM_ZIP:
	case FORM_SMIME:
		return "it contains no report";
	case FORM_XML:
	case FORM_JSON:
	case FORM_MBOX:
	case FORM_OTHER:
		break;
	}
	return bytes.n == 0
	    ? "it is empty"
	    : "neither XML, JSON, gzip, ZIP, S/MIME nor a mail message";
}

static void
import_document(struct import_message *u, struct span bytes)
{
	if (!import_bytes(u, SPAN(""), bytes))
		return;
	if (u->good == 0) {
		import_refuse(u, SPAN(""), nothing_in(bytes));
		u->kind = REPORT_IMPORT_NOTHING;
		return;
	}
	u->at = u->heads;
	u->storing = true;
	u->unpacked = 0;
	if (u->in->ledger != NULL && !import_bytes(u, SPAN(""), bytes))
		return;
	if (!import_store_others(u) || u->in->ledger != NULL)
		return;
	for (struct read_report *h = u->heads; h != NULL; h = h->next)
		if (!h->other)
			import_event(u, REPORT_IMPORT_STORED,
			    REPORT_IMPORT_AGGREGATE, &h->report);
}

/* Imports one unit.  Returns false after an error, or if the caller asked to
 * stop. */
static bool
take_unit(const struct report_import *in, struct span file, uint64_t mail,
    struct span bytes)
{
	struct import_message u = {
		.in = in,
		.file = file,
		.mail = mail,
		.a = arena_new(
		    (size_t)REPORT_IMPORT_REPORTS_MAX * READ_HEAD_MEMORY),
	};

	u.last = &u.heads;
	if (u.a == NULL)
		import_fail(&u, "out of memory");
	else
		import_document(&u, bytes);
	if (u.bad)
		import_event(&u, u.kind, REPORT_IMPORT_AGGREGATE, NULL);
	arena_free(u.a);
	arena_free(u.other_memory);
	return !u.stopped && (!u.bad || u.kind != REPORT_IMPORT_FAULT);
}

static bool
go_on(const struct report_import *in, size_t done)
{
	return in->progress == NULL || in->progress(in->arg, done);
}

bool
report_import_file(
    const struct report_import *in, struct span file, struct span bytes)
{
	struct span rest = bytes, mail;
	uint64_t n = 0;

	if (form_of(span_first(bytes, PEEK)) != FORM_MBOX)
		return take_unit(in, file, 0, bytes) && go_on(in, bytes.n);
	while (mailbox_next(&rest, &mail))
		if (!take_unit(in, file, ++n, mail) ||
		    !go_on(in, bytes.n - rest.n))
			return false;
	return true;
}
