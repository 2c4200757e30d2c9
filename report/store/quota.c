#include "report/store/quota.h"

#include "lib/buf.h"
#include "lib/clock.h"
#include "report/store/sqlite.h"

static bool
is_check_due(const struct quota *q, struct sql *db)
{
	return !q->is_checked || clock_ms() - q->checked_at >= QUOTA_CHECK_MS ||
	    sqlite_log_pages(db) - q->log_pages >= QUOTA_CHECK_PAGES;
}

/* Truncates the log before it compares the size with the limit; a reader or our
 * own transaction may prevent the truncation. */
static bool
is_too_large(const struct quota *q, struct sql *db, struct sqlite_usage *usage)
{
	uint64_t most = q->o.is_guest ? q->o.max_bytes / 4 * 3 : q->o.max_bytes;

	if (q->o.max_bytes == 0 || usage->bytes < most)
		return false;
	sqlite_empty_log(db);
	return sqlite_usage(db, usage) && usage->bytes >= most;
}

bool
quota_is_exceeded(struct quota *q, struct sql *db)
{
	struct sqlite_usage usage;
	struct buf reason;

	if (!is_check_due(q, db))
		return q->reason[0] != '\0';
	reason = buf_wrap(q->reason, sizeof(q->reason));
	if (!sqlite_usage(db, &usage)) {
		/* The next write reports the error. */
	} else if (is_too_large(q, db, &usage)) {
		buf_printf(&reason,
		    "the store has reached its size limit: %sreport.max_store "
		    "= %llu bytes, used %llu",
		    q->o.is_guest ? "3/4 of " : "",
		    (unsigned long long)q->o.max_bytes,
		    (unsigned long long)usage.bytes);
	} else if (usage.free < q->o.min_free) {
		buf_printf(&reason,
		    "its file system is almost full: report.min_free = "
		    "%u.%u%%, free %u.%u%%",
		    q->o.min_free / 10, q->o.min_free % 10, usage.free / 10,
		    usage.free % 10);
	}
	q->is_checked = true;
	q->checked_at = clock_ms();
	q->log_pages = sqlite_log_pages(db);
	return q->reason[0] != '\0';
}
