#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "lib/buf.h"

enum {
	TEXT_MAX = 8192, /* bytes shown per record */
	RECORD_MAX = TEXT_MAX + 16,
};

void
explain_heading(const char *title)
{
	putchar('\n');
	cli_prose_text(0, title);
}

static const char *
dns_fault_text(enum dns_error fault)
{
	switch (fault) {
	case DNS_ERROR_NONE:
		break;
	case DNS_ERROR_TIMEOUT:
		return "no answer: no name server replied in time";
	case DNS_ERROR_SERVFAIL:
		return "no answer: the name server failed (SERVFAIL)";
	case DNS_ERROR_REFUSED:
		return "no answer: the name server refused the query "
		       "(REFUSED)";
	case DNS_ERROR_RCODE:
		return "no answer: the name server returned an error code";
	case DNS_ERROR_GARBLED:
		return "no answer: the reply is malformed, or its aliases form "
		       "a "
		       "loop";
	case DNS_ERROR_UNREACHABLE:
		return "no answer: none of this host's name servers responds";
	case DNS_ERROR_BUDGET:
		return "not waited for: the answer was not needed, the check "
		       "sent too many queries, or it ran out of time";
	case DNS_ERROR_RESOURCE:
		return "not queried, or ended early: this host is out of "
		       "memory or sockets, or has too many unanswered "
		       "questions";
	}
	return "no answer";
}

/* Returns why there are no records, or NULL if there are some. */
static const char *
dns_answer_text(const struct dns_answer *answer)
{
	switch (answer->state) {
	case DNS_PENDING:
		return "not waited for";
	case DNS_FOUND:
		return NULL;
	case DNS_NODATA:
		return "no record of this type";
	case DNS_NXDOMAIN:
		return "no such name";
	case DNS_BADNAME:
		return "not a valid DNS name: not queried";
	case DNS_FAILED:
		return dns_fault_text(answer->fault);
	}
	return "";
}

static struct span
dns_record_text(struct buf *b, const struct dns_question *q, size_t i)
{
	buf_cut(b, 0);
	dns_record_put(b, q->type, &q->answer->records[i], TEXT_MAX);
	return buf_view(b);
}

json_t *
explain_question_json(const char *job, const struct dns_question *q)
{
	const struct dns_answer *answer = q->answer;
	char memory[RECORD_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	json_t *o = json_object();
	json_t *records = json_array();

	if (job != NULL)
		cli_set_text(o, "for", job);
	cli_set_span(o, "name", q->name);
	cli_set_text(o, "type", dns_type_name(q->type));
	cli_set_text(o, "state", dns_state_name(answer->state));
	cli_set_text(o, "fault",
	    answer->state == DNS_FAILED ? dns_error_name(answer->fault) : NULL);
	for (size_t i = 0; i < answer->n_records; i++)
		json_array_append_new(
		    records, cli_json(dns_record_text(&b, q, i)));
	cli_set(o, "records", records);
	cli_set_span(o, "alias", answer->alias);
	cli_set_number(o, "ttl", answer->ttl);
	return o;
}

void
explain_question(const char *job, const struct dns_question *q)
{
	const struct dns_answer *answer = q->answer;
	const char *text = dns_answer_text(answer);
	char memory[RECORD_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	fputs("  ", stdout);
	cli_put(q->name);
	printf(" %s%s%s\n", dns_type_name(q->type), job != NULL ? ", for " : "",
	    job != NULL ? job : "");
	if (answer->alias.n > 0) {
		fputs("      an alias of ", stdout);
		cli_put(answer->alias);
		putchar('\n');
	}
	if (text != NULL)
		printf("      %s\n", text);
	for (size_t i = 0; i < answer->n_records; i++) {
		fputs("      ", stdout);
		cli_put(dns_record_text(&b, q, i));
		putchar('\n');
	}
}

json_t *
explain_questions_json(const struct dns_questions *questions)
{
	json_t *list = json_array();

	for (const struct dns_question *q = dns_questions_first(questions);
	     q != NULL; q = q->next)
		json_array_append_new(list, explain_question_json(NULL, q));
	return list;
}

void
explain_questions(const struct dns_questions *questions)
{
	const struct dns_question *q = dns_questions_first(questions);

	explain_heading(
	    q != NULL ? "DNS questions and answers" : "DNS: no questions");
	for (; q != NULL; q = q->next)
		explain_question(NULL, q);
}
