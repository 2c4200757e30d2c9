/*
 * cmd_read.c - avouch report read and intake: store received reports from
 * files, folders and mailboxes, or from mail as it arrives.
 *
 * If a file is refused, the others are still read, and the exit status is
 * EX_DATAERR.  In a folder, files without a report are skipped.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report/cmd_report.h"
#include "cli/report/maildir.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "lib/buf.h"
#include "report/receive/import.h"
#include "report/store/quota.h"

enum {
	ERROR_MAX = 512,
	PATH_LENGTH_MAX = 4096,
	FOLDERS_MAX = 8,           /* depth of nested folders */
	REFUSALS_SHOWN = 1000,     /* refusals listed in the JSON object */
	UNCHECKED_ROWS_MAX = 1000, /* number of stored rows after which the
	                              quota is checked again */
};

#define FILES_MAX 5000000 /* files read from folders, in total */

struct report_reading {
	struct cli *c;
	struct report_import in;
	struct report_store store;
	struct quota quota; /* limits of the daemon's SQLite file */
	struct progress progress;
	int status;
	bool stop;
	bool in_folder; /* the current file was found in a folder, not given as
	                   an argument */
	bool counting;  /* first pass: add up sizes for the progress bar */
	uint64_t files, total, done;
	uint64_t stored, replaced, known, refused, nothing, rows, messages;
	uint64_t tls, failures; /* TLS and failure reports that were stored */
	uint64_t unchecked;     /* rows stored since the quota was checked */
	json_t *refusals;       /* NULL without --json */
};

/* ---- events ---- */

static void
put_event_place(struct buf *b, const struct report_import_event *e)
{
	buf_span(b, e->file);
	if (e->mail > 0) {
		buf_text(b, ", message ");
		buf_number(b, e->mail);
	}
}

static void
report_refusal(struct report_reading *r, const struct report_import_event *e)
{
	char memory[PATH_LENGTH_MAX + ERROR_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	json_t *o;

	put_event_place(&b, e);
	progress_clear(&r->progress);
	cli_fail(r->c, EX_DATAERR, "%s: %s%.*s", memory,
	    e->kind == REPORT_IMPORT_REFUSED ? "refused: " : "",
	    SPAN_FMT(e->reason));
	if (r->refusals == NULL ||
	    json_array_size(r->refusals) >= REFUSALS_SHOWN)
		return;
	o = json_object();
	cli_set_span(o, "file", buf_view(&b));
	cli_set_span(o, "reason", e->reason);
	json_array_append_new(r->refusals, o);
}

static void
count_stored(struct report_reading *r, const struct report_import_event *e)
{
	switch (e->what) {
	case REPORT_IMPORT_AGGREGATE:
		r->stored++;
		r->rows += e->report->rows;
		r->unchecked += e->report->rows;
		r->messages += e->report->messages;
		break;
	case REPORT_IMPORT_TLS:
		r->tls++;
		break;
	case REPORT_IMPORT_FAILURE:
		r->failures++;
		break;
	}
}

static void
read_on_event(void *arg, const struct report_import_event *e)
{
	struct report_reading *r = arg;

	switch (e->kind) {
	case REPORT_IMPORT_STORED:
		count_stored(r, e);
		break;
	case REPORT_IMPORT_REPLACED:
		r->replaced++;
		r->unchecked += e->report->rows;
		break;
	case REPORT_IMPORT_KNOWN:
		r->known++;
		break;
	case REPORT_IMPORT_NOTHING:
		r->nothing++;
		if (r->in_folder || e->mail > 0)
			break;
		r->status = EX_DATAERR;
		report_refusal(r, e);
		break;
	case REPORT_IMPORT_REFUSED:
		r->refused++;
		r->status = EX_DATAERR;
		report_refusal(r, e);
		break;
	case REPORT_IMPORT_FAULT:
		r->stop = true;
		progress_clear(&r->progress);
		r->status = cli_fail(r->c, EX_TEMPFAIL, "%.*s: %.*s",
		    SPAN_FMT(e->file), SPAN_FMT(e->reason));
		break;
	}
}

/* Returns false and stops the run if the store has reached its quota, because
 * the daemon also uses the store and would lose rows. */
static bool
has_room(void *arg, uint64_t rows)
{
	struct report_reading *r = arg;
	struct sql *db = ledger_sql(r->store.ledger);

	r->unchecked += rows;
	if (r->unchecked >= UNCHECKED_ROWS_MAX)
		r->quota.is_checked = false;
	if (!r->quota.is_checked)
		r->unchecked = 0;
	if (sql_is_shared(db) || !quota_is_exceeded(&r->quota, db))
		return true;
	r->stop = true;
	progress_clear(&r->progress);
	r->status =
	    cli_fail(r->c, EX_TEMPFAIL, "%s: no more reports can be stored: %s",
		r->store.shown, r->quota.reason);
	return false;
}

static bool
read_on_progress(void *arg, size_t done)
{
	struct report_reading *r = arg;

	progress_show(&r->progress, r->done + done, r->stored, "reports");
	return true;
}

/* ---- files and folders ---- */

static void
read_one_file(struct report_reading *r, const char *path)
{
	char error[ERROR_MAX];
	struct input in;

	r->files++;
	if (!input_open(&in, path, error, sizeof(error))) {
		progress_clear(&r->progress);
		r->refused++;
		r->status = cli_fail(r->c, EX_DATAERR, "%s", error);
		return;
	}
	if (!report_import_file(&r->in, span_str(path), in.text))
		r->stop = true;
	r->done += in.text.n;
	input_close(&in);
}

static void read_path(
    struct report_reading *r, const char *path, unsigned depth);

/* Includes hidden entries, because the subfolders of a Maildir are hidden.
 * Skips "tmp", which in a Maildir contains messages that are still being
 * delivered. */
static int
is_folder_entry_wanted(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 &&
	    strcmp(entry->d_name, "..") != 0 &&
	    strcmp(entry->d_name, "tmp") != 0;
}

static void
read_folder(struct report_reading *r, const char *path, unsigned depth)
{
	struct dirent **entries = NULL;
	int n = depth < FOLDERS_MAX
	    ? scandir(path, &entries, is_folder_entry_wanted, alphasort)
	    : 0;

	if (n < 0) {
		r->status =
		    cli_fail(r->c, EX_DATAERR, "%s: %s", path, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		char inside[PATH_LENGTH_MAX];
		struct buf b = buf_wrap(inside, sizeof(inside));

		buf_text(&b, path);
		buf_byte(&b, '/');
		buf_text(&b, entries[i]->d_name);
		if (!b.full && !r->stop)
			read_path(r, inside, depth + 1);
		free(entries[i]);
	}
	free(entries);
}

/* Handles an entry of a folder; skips pipes, devices and links to folders. */
static void
read_found_file(
    struct report_reading *r, const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || r->files >= FILES_MAX)
		return;
	if (r->counting) {
		r->total += (uint64_t)st->st_size;
		return;
	}
	r->in_folder = true;
	read_one_file(r, path);
}

static void
read_path(struct report_reading *r, const char *path, unsigned depth)
{
	bool is_stdin = depth == 0 && strcmp(path, "-") == 0;
	struct stat st = { 0 };
	int failed = is_stdin ? 0
	    : depth == 0      ? stat(path, &st)
			      : lstat(path, &st);

	if (failed != 0 && depth > 0)
		return; /* a mail program may have moved the file */
	if (failed == 0 && S_ISDIR(st.st_mode)) {
		read_folder(r, path, depth);
	} else if (depth > 0) {
		if (S_ISLNK(st.st_mode) && stat(path, &st) != 0)
			return;
		read_found_file(r, path, &st);
	} else if (r->counting) {
		r->total += (uint64_t)st.st_size;
	} else {
		r->in_folder = false;
		read_one_file(r, path);
	}
}

static void
read_all_paths(struct report_reading *r)
{
	for (int i = 1; i < r->c->n_args && !r->stop; i++)
		read_path(r, r->c->args[i], 0);
}

/* ---- command ---- */

static void
print_read_summary(const struct report_reading *r)
{
	printf("reports stored: %" PRIu64 ", rows: %" PRIu64
	       ", messages: %" PRIu64 "\n",
	    r->stored, r->rows, r->messages);
	if (r->tls > 0)
		printf("TLS reports stored: %" PRIu64 "\n", r->tls);
	if (r->failures > 0)
		printf("failure reports stored: %" PRIu64 "\n", r->failures);
	if (r->replaced > 0)
		printf("replaced reports with the same id and period but "
		       "fewer messages: %" PRIu64 "\n",
		    r->replaced);
	if (r->known > 0)
		printf("already in the store: %" PRIu64 "\n", r->known);
	if (r->nothing > 0)
		printf("files or messages without a report: %" PRIu64 "\n",
		    r->nothing);
	if (r->refused > 0)
		printf("refused: %" PRIu64 "\n", r->refused);
}

static void
print_read_json(struct report_reading *r)
{
	json_t *o = json_object();

	cli_set_number(o, "files", (int64_t)r->files);
	cli_set_number(o, "stored", (int64_t)r->stored);
	cli_set_number(o, "tls", (int64_t)r->tls);
	cli_set_number(o, "failures", (int64_t)r->failures);
	cli_set_number(o, "replaced", (int64_t)r->replaced);
	cli_set_number(o, "known", (int64_t)r->known);
	cli_set_number(o, "without", (int64_t)r->nothing);
	cli_set_number(o, "refused", (int64_t)r->refused);
	cli_set_number(o, "rows", (int64_t)r->rows);
	cli_set_number(o, "messages", (int64_t)r->messages);
	cli_set(o, "refusals", r->refusals);
	cli_print_json(o);
}

/* Opens the store.  Returns EX_OK, or another status after printing a
 * message. */
static int
reading_open(struct cli *c, struct report_reading *r)
{
	int status = report_open(c, SQLITE_FOR_COMMAND, &r->store);

	if (status != EX_OK)
		return status;
	if (c->store == NULL || c->config != NULL)
		r->quota.o =
		    (struct quota_options){ r->store.conf->report.max_store,
			    r->store.conf->report.min_free, true };
	r->in = (struct report_import){ .ledger = r->store.ledger,
		.now = c->now,
		.on_event = read_on_event,
		.has_room = has_room,
		.progress = read_on_progress,
		.arg = r };
	r->refusals = c->json ? json_array() : NULL;
	return EX_OK;
}

static void
reading_close(struct report_reading *r)
{
	report_close(&r->store);
	if (r->c->json)
		print_read_json(r);
	else
		print_read_summary(r);
}

int
cmd_report_read(struct cli *c)
{
	struct report_reading r = { .c = c, .counting = true };
	int status = reading_open(c, &r);

	if (status != EX_OK)
		return status;
	read_all_paths(&r);
	r.counting = false;
	r.status = EX_OK;
	progress_begin(&r.progress, r.total);
	read_all_paths(&r);
	progress_clear(&r.progress);
	reading_close(&r);
	return r.status;
}

/* ---- mail as it arrives ---- */

/* Reads one message.  Prints an error if it contains no report or is
 * refused. */
static int
intake_mail(void *arg, int fd, const char *path, bool *aside)
{
	struct report_reading *r = arg;
	struct input in;

	r->status = EX_OK;
	r->files++;
	if (!input_open_file(&in, fd))
		return cli_fail(
		    r->c, EX_TEMPFAIL, "%s: %s", path, strerror(errno));
	if (!report_import_file(&r->in, span_str(path), in.text))
		r->stop = true;
	input_close(&in);
	*aside = r->status == EX_DATAERR;
	return r->stop ? EX_TEMPFAIL : EX_OK;
}

/*
 * Returns EX_OK or EX_TEMPFAIL, because with any other status the mail system
 * would return the message to the reporter.
 */
int
cmd_report_intake(struct cli *c)
{
	struct report_reading r = { .c = c };
	int status = reading_open(c, &r);
	bool aside;

	if (status != EX_OK)
		return EX_TEMPFAIL;
	status = c->n_args > 1
	    ? maildir_empty(c, c->args[1], intake_mail, &r)
	    : intake_mail(&r, STDIN_FILENO, "standard input", &aside);
	reading_close(&r);
	return status;
}
