/* trace.c - records what each term queried, received and decided, for `avouch
 * spf --explain` */
#include "spf/internal.h"

enum {
	SHOWN_MAX = 12,     /* records shown per answer */
	TXT_SHOWN_MAX = 80, /* bytes shown per TXT record */
};

void
spf_trace_begin(struct spf_run *run, struct spf_frame *f, struct span term)
{
	struct spf_trace_entry *note;

	f->note = NULL;
	if (!run->q->trace || run->waiting || run->n_notes == SPF_TRACE_MAX)
		return;
	if (run->n_notes == SPF_TRACE_MAX - 1)
		term = SPAN("(more terms follow; not shown)");
	note = arena_alloc(run->a, sizeof(*note));
	if (note == NULL)
		return;
	note->line = (struct spf_trace){
		.depth = f->depth,
		.domain = f->domain,
		.term = term,
	};
	if (run->last_note != NULL)
		run->last_note->line.next = &note->line;
	else
		run->out->trace = &note->line;
	run->last_note = note;
	if (++run->n_notes < SPF_TRACE_MAX)
		f->note = note;
}

static void
put_answer(struct buf *b, enum dns_type type, const struct dns_answer *answer)
{
	if (answer->state == DNS_FAILED) {
		buf_text(b, dns_error_text(answer->fault));
		return;
	}
	if (answer->state != DNS_FOUND) {
		buf_text(b, dns_state_name(answer->state));
		return;
	}
	for (size_t i = 0; i < answer->n_records; i++) {
		if (i > 0)
			buf_text(b, ", ");
		if (i == SHOWN_MAX) {
			buf_number(b, answer->n_records - i);
			buf_text(b, " more");
			break;
		}
		dns_record_put(b, type, &answer->records[i], TXT_SHOWN_MAX);
	}
}

void
spf_trace_answer(struct spf_run *run, const struct spf_frame *f,
    struct span name, enum dns_type type, const struct dns_answer *answer)
{
	struct spf_trace_entry *note = f->note;

	if (note == NULL)
		return;
	if (note->asked.p == NULL) {
		note->asked = buf_alloc(run->a, SPF_TRACE_TEXT_MAX);
		note->got = buf_alloc(run->a, SPF_TRACE_TEXT_MAX);
	}
	buf_text(&note->asked, note->asked.n > 0 ? ", " : "");
	buf_printable(&note->asked, name, name.n);
	buf_byte(&note->asked, ' ');
	buf_text(&note->asked, dns_type_name(type));
	buf_text(&note->got, note->got.n > 0 ? "; " : "");
	put_answer(&note->got, type, answer);
}

void
spf_trace_end(struct spf_run *run, struct spf_trace_entry *note,
    const char *decided, struct span detail)
{
	struct buf b;

	if (note == NULL)
		return;
	if (note->asked.n > 0) {
		note->line.asked = buf_view(&note->asked);
		note->line.got = buf_view(&note->got);
	}
	note->line.lookups = run->out->lookups;
	note->line.void_lookups = run->out->void_lookups;
	note->line.decided = span_str(decided);
	if (detail.n == 0)
		return;
	b = buf_alloc(run->a, note->line.decided.n + detail.n + 3);
	buf_text(&b, decided);
	buf_text(&b, ": ");
	buf_printable(&b, detail, detail.n);
	note->line.decided = buf_view(&b);
}
