#include "report/write/split.h"

#include "lib/buf.h"
#include "lib/ip.h"
#include "lib/enum_names.h"

enum { COMMENT_MAX = 120 }; /* bytes */

/* ---- the sum of the rows beyond the limit ---- */

static const char *const dispositions[] = { "none", "quarantine", "reject" };

enum { DISPOSITIONS = ARRAY_SIZE(dispositions) };

struct sum {
	uint64_t rows;
	uint64_t of[DISPOSITIONS][2][2]; /* number of messages by DKIM and SPF
	                                    alignment */
};

static void
sum_add(struct sum *sum, const struct report_row *r)
{
	size_t i = DISPOSITIONS - 1;

	while (i > 0 && !span_is_nocase(r->disposition, dispositions[i]))
		i--;
	sum->of[i][r->dkim_aligned][r->spf_aligned] += r->count;
	sum->rows++;
}

static bool
sum_put_one(struct aggregate *xml, const struct sum *sum, struct span domain,
    size_t cell)
{
	size_t i = cell / 4, d = cell / 2 % 2, s = cell % 2;
	char memory[COMMENT_MAX];
	struct buf comment = buf_wrap(memory, sizeof(memory));
	struct report_row r = {
		.count = sum->of[i][d][s],
		.source = { .family = IP_V4 },
		.header_from = domain,
		.envelope_from = SPAN(""),
		.disposition = span_str(dispositions[i]),
		.dkim_aligned = d == 1,
		.spf_aligned = s == 1,
		.override = SPAN("other"),
	};

	buf_text(&comment, "sum of messages in ");
	buf_number(&comment, sum->rows);
	buf_text(&comment,
	    " further rows, each with fewer messages than those "
	    "listed");
	r.comment = buf_view(&comment);
	return r.count == 0 || aggregate_row(xml, &r);
}

static bool
sum_put(struct aggregate *xml, const struct sum *sum, struct span domain)
{
	for (size_t cell = 0; sum->rows > 0 && cell < 4 * DISPOSITIONS; cell++)
		if (!sum_put_one(xml, sum, domain, cell))
			return false;
	return true;
}

/* ---- writing a document through gzip ---- */

struct document {
	struct gzip *gzip;
	struct aggregate *xml;
};

static bool
put_gzip(void *arg, struct span bytes)
{
	return gzip_write(arg, bytes);
}

static bool
document_open(struct document *d, const struct aggregate_info *info,
    gzip_put *put, void *arg)
{
	d->gzip = gzip_open(put, arg);
	d->xml =
	    d->gzip != NULL ? aggregate_open(info, put_gzip, d->gzip) : NULL;
	return d->xml != NULL;
}

/* Returns false if anything failed. */
static bool
document_close(struct document *d)
{
	bool good = aggregate_close(d->xml);

	good = gzip_close(d->gzip) && good;
	*d = (struct document){ NULL, NULL };
	return good;
}

/* ---- measuring the parts ---- */

struct measure {
	const struct aggregate_info *info;
	const struct parts_limits *limits;
	struct parts *out;
	struct document document; /* the current part; its pointers are NULL if
	                             there is none */
	size_t bytes;             /* bytes of the current part */
	uint64_t rows;            /* rows of all parts */
	struct sum sum;
	bool is_over, failed;
};

static bool
count_bytes(void *arg, struct span bytes)
{
	struct measure *m = arg;

	m->bytes += bytes.n;
	return true;
}

static struct report_part *
part_open(struct measure *m)
{
	m->bytes = 0;
	if (!document_open(&m->document, m->info, count_bytes, m)) {
		document_close(&m->document);
		m->failed = true;
		return NULL;
	}
	m->out->part[m->out->n] = (struct report_part){ 0, 0 };
	return &m->out->part[m->out->n++];
}

/* Returns the part to which the next row belongs, or NULL if the row is added
 * to the sum. */
static struct report_part *
part_for(struct measure *m)
{
	if (m->out->n == 0)
		return part_open(m);
	if (m->rows >= m->limits->rows)
		return NULL;
	if (m->bytes + GZIP_LAG_MAX <= m->limits->bytes)
		return &m->out->part[m->out->n - 1];
	if (m->out->n == SPLIT_MAX)
		return NULL;
	m->failed |= !document_close(&m->document);
	return m->failed ? NULL : part_open(m);
}

static bool
measure_row(void *arg, const struct report_row *r)
{
	struct measure *m = arg;
	struct report_part *p = m->is_over ? NULL : part_for(m);

	if (m->failed)
		return false;
	if (p == NULL) {
		m->is_over = true;
		m->out->part[m->out->n - 1].messages += r->count;
		sum_add(&m->sum, r);
		return true;
	}
	p->rows++;
	p->messages += r->count;
	m->rows++;
	m->failed = !aggregate_row(m->document.xml, r);
	return !m->failed;
}

bool
split_measure(struct ledger *l, int64_t day, const struct aggregate_info *info,
    const struct parts_limits *limits, struct parts *out)
{
	struct measure m = { .info = info, .limits = limits, .out = out };

	out->n = 0;
	out->summed = 0;
	if (ledger_each_row(l, day, info->domain, measure_row, &m) != LEDGER_OK)
		m.failed = true;
	out->summed = m.sum.rows;
	if (m.document.gzip != NULL && !document_close(&m.document))
		m.failed = true;
	return !m.failed;
}

/* ---- writing ---- */

struct writing {
	const struct parts_range *range;
	struct document document;
	uint64_t skipped, rows, messages;
	struct sum sum;
	bool failed;
};

static bool
write_row(void *arg, const struct report_row *r)
{
	struct writing *w = arg;

	if (w->skipped < w->range->skip) {
		w->skipped++;
		return true;
	}
	if (w->rows == w->range->rows && !w->range->last)
		return false;
	w->messages += r->count;
	if (w->rows == w->range->rows) {
		sum_add(&w->sum, r);
		return true;
	}
	w->rows++;
	w->failed = !aggregate_row(w->document.xml, r);
	return !w->failed;
}

bool
split_write(struct ledger *l, int64_t day, const struct aggregate_info *info,
    const struct parts_range *range, gzip_put *put, void *arg,
    uint64_t *messages)
{
	struct writing w = { .range = range };

	*messages = 0;
	if (!document_open(&w.document, info, put, arg)) {
		document_close(&w.document);
		return false;
	}
	if (ledger_each_row(l, day, info->domain, write_row, &w) != LEDGER_OK)
		w.failed = true;
	if (!w.failed && !sum_put(w.document.xml, &w.sum, info->domain))
		w.failed = true;
	*messages = w.messages;
	return document_close(&w.document) && !w.failed;
}
