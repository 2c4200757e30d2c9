/*
 * log.h - logs each event as one line of key=value pairs (or one JSON object).
 *
 * A line is built on the caller's stack and written by one system call, so that
 * lines from different threads do not mix.  Untrusted values are quoted and
 * escaped: a line never contains CR, LF, NUL, control bytes, invalid UTF-8, or
 * characters that change the writing direction.  A line that would exceed
 * LOG_LINE_MAX, including NUL and newline, is cut and ends in cut=1.
 *
 *	level=info event=message queue_id=4ZxY from="a b@example.org" ms=12
 *	{"level":"info","event":"message","queue_id":"4ZxY","ms":12}
 *
 *	struct log_line l;
 *
 *	log_begin(&l, LOG_LEVEL_INFO, "message");
 *	log_span(&l, "queue_id", id);
 *	log_number(&l, "ms", ms);
 *	log_end(&l);
 */
#ifndef AVOUCH_LIB_LOG_H
#define AVOUCH_LIB_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"

enum {
	LOG_LINE_MAX = 4096, /* PIPE_BUF: a write to a pipe is not split */
	LOG_CAUSES_MAX = 64,
};

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
enum log_format { LOG_FORMAT_NONE, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG };

struct log_line {
	enum log_level level;
	enum log_format format; /* the format that was set when the line
	                           began */
	struct buf text;        /* p is NULL if the line will not be logged */
	char memory[LOG_LINE_MAX];
};

/*
 * Configures the log of the process.  Before the first call, warnings and
 * errors go to stderr as text.  `program` is a literal.  With LOG_FORMAT_NONE,
 * errors are still logged.  Other threads may log at the same time.
 */
void log_setup(const char *program, enum log_format format,
    enum log_target target, enum log_level most);

/* `event` is a literal: "message", "start", "dns", ... */
void log_begin(struct log_line *l, enum log_level level, const char *event);
void log_text(struct log_line *l, const char *key, const char *value);
void log_span(struct log_line *l, const char *key, struct span value);
void log_number(struct log_line *l, const char *key, int64_t value);
void log_end(struct log_line *l);

/* Logs a sentence as text="..." after the event.  The format is printf's, and
 * the sentence is escaped. */
void log_say(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Logs an error at most once a minute per `cause`, for errors that would repeat
 * with every message.  The next line for that cause says how many were
 * suppressed.  `cause` is a literal; up to LOG_CAUSES_MAX causes are
 * distinguished, and all others count as one.
 */
void log_limited(const char *cause, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Like log_limited(), for a setting that works but is probably not what the
 * operator wants: event "warning", LOG_LEVEL_WARNING. */
void log_warning(const char *cause, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
