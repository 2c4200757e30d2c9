/* query_failures.c - failures that are waiting to be reported. */
#include "lib/enum_names.h"
#include "report/store/query_internal.h"

#define FAILURE                                                                \
	"id, organization, domain, record, author, source, subject, "          \
	"feedback, header, first, last, incidents, others "

static void
read_failure(struct sql_statement *s, struct ledger_failure *out)
{
	*out = (struct ledger_failure){
		.id = sql_number(s, 0),
		.organization = sql_text(s, 1),
		.domain = sql_text(s, 2),
		.record = sql_text(s, 3),
		.author = sql_text(s, 4),
		.source = sql_text(s, 5),
		.subject = sql_text(s, 6),
		.feedback = sql_text(s, 7),
		.header = sql_text(s, 8),
		.first = sql_number(s, 9),
		.last = sql_number(s, 10),
		.incidents = (uint64_t)sql_number(s, 11),
		.others = (uint64_t)sql_number(s, 12),
	};
}

#define OPEN(AND)                                                              \
	"SELECT " FAILURE "FROM failure WHERE made = 0 AND NOT EXISTS "        \
	"(SELECT 1 FROM failure AS before WHERE "                              \
	"before.likeness = failure.likeness AND before.made >= $1) " AND       \
	"ORDER BY first, id"

enum ledger_step
ledger_each_failure(struct ledger *l, struct span domain, int64_t since,
    bool (*each)(void *arg, const struct ledger_failure *f), void *arg)
{
	struct sql_statement *s = sql_prepare(
	    l->db, domain.p == NULL ? OPEN("") : OPEN("AND domain = $2 "));
	enum sql_step step;

	sql_bind_number(s, 1, since);
	if (domain.p != NULL)
		sql_bind_text(s, 2, domain);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_failure f;

		read_failure(s, &f);
		f.feedback = f.header = SPAN_NONE;
		if (!each(arg, &f))
			break;
	}
	return ledger_finish(s, step);
}

#define EMPTY "held = 0, record = '', subject = '', feedback = '', header = ''"

enum ledger_step
ledger_close_failure(
    struct ledger *l, int64_t id, bool sent, int64_t now, uint64_t *incidents)
{
	struct sql_statement *s = sql_prepare(l->db,
	    sent ? "UPDATE failure SET made = $1, sent = 1 WHERE id = $2 "
		   "AND made = 0 RETURNING incidents"
		 : "UPDATE failure SET made = $1, " EMPTY " WHERE id = $2 "
		   "AND made = 0 RETURNING incidents");
	int64_t n = 0;
	enum ledger_step step;

	sql_bind_number(s, 1, now);
	sql_bind_number(s, 2, id);
	step = ledger_number(s, &n);
	*incidents = (uint64_t)n;
	return step;
}

#define SENT(AND)                                                              \
	"SELECT count(*) FROM failure WHERE made >= $1 AND sent = 1" AND

enum ledger_step
ledger_failures_sent(
    struct ledger *l, struct span organization, int64_t since, uint64_t *count)
{
	struct sql_statement *s = sql_prepare(l->db,
	    organization.p == NULL ? SENT("") : SENT(" AND organization = $2"));
	int64_t n = 0;
	enum ledger_step step;

	sql_bind_number(s, 1, since);
	if (organization.p != NULL)
		sql_bind_text(s, 2, organization);
	step = ledger_number(s, &n);
	*count = (uint64_t)n;
	return step;
}

enum ledger_step
ledger_get_failure(
    struct ledger *l, int64_t id, struct arena *a, struct ledger_failure *out)
{
	struct span *const texts[] = { &out->organization, &out->domain,
		&out->record, &out->author, &out->source, &out->subject,
		&out->feedback, &out->header };
	struct sql_statement *s = sql_prepare(
	    l->db, "SELECT " FAILURE "FROM failure WHERE id = $1 AND held = 1");
	enum sql_step step;

	sql_bind_number(s, 1, id);
	step = sql_step(s);
	if (step == SQL_ROW)
		read_failure(s, out);
	return ledger_keep_texts(l, s, step, a, texts, ARRAY_SIZE(texts));
}

enum ledger_step
ledger_empty_failures(struct ledger *l)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "UPDATE failure SET " EMPTY " WHERE held = 1 AND made > 0 "
	    "AND NOT EXISTS (SELECT 1 FROM report "
	    "JOIN delivery ON delivery.report = report.id "
	    "WHERE report.day = failure.made / 86400 "
	    "AND report.domain = failure.domain "
	    "AND report.part = $1 + failure.id "
	    "AND delivery.state NOT IN ($2, $3))");

	sql_bind_number(s, 1, LEDGER_FAILURE_PART);
	sql_bind_number(s, 2, LEDGER_SENT);
	sql_bind_number(s, 3, LEDGER_DROPPED);
	return ledger_execute(s);
}
