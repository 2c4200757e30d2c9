#include "cli/cli.h"
#include "cli/explain.h"
#include "dkim/signature.h"
#include "lib/buf.h"
#include "lib/table.h"

enum { SENTENCE_MAX = 1024 }; /* bytes; three domain names fit */

/* The fields of a set (RFC 8617 section 4.1). */
static const struct part {
	const char *field;
	bool is_results; /* ARC-Authentication-Results: no signature */
	enum signature_kind kind;
} parts[] = {
	{ "ARC-Seal", false, SIGNATURE_SEAL },
	{ "ARC-Message-Signature", false, SIGNATURE_AMS },
	{ "ARC-Authentication-Results", true, SIGNATURE_AMS },
};

struct one { /* one such field as it can be read */
	const struct part *part;
	unsigned instance; /* 0: not readable */
	struct span results;
	struct signature sig;
};

/* False: no field of a set, or no memory. */
static bool
read_one(const struct mail_field *f, struct arena *a, struct one *out)
{
	const struct part *part = NULL;

	for (size_t i = 0; i < TABLE_SIZE(parts); i++)
		if (span_is_nocase(f->name, parts[i].field))
			part = &parts[i];
	if (part == NULL)
		return false;
	*out = (struct one){ .part = part, .results = f->value };
	if (part->is_results) {
		out->instance = signature_instance(&out->results);
		out->results = span_trim(out->results);
		return true;
	}
	if (!signature_read(f->value, part->kind, a, &out->sig))
		return false;
	out->instance = out->sig.instance;
	return true;
}

static const char *
chain_name(const struct one *one)
{
	switch (one->sig.chain) {
	case CHAIN_NONE:
		return "none";
	case CHAIN_FAIL:
		return "fail";
	case CHAIN_PASS:
		return "pass";
	}
	return "";
}

static json_t *
one_json(const struct one *one)
{
	json_t *o = json_object();

	cli_set_text(o, "field", one->part->field);
	cli_set_number(o, "instance", one->instance);
	if (one->part->is_results) {
		cli_set_span(o, "results", one->results);
		return o;
	}
	cli_set_span(o, "domain", one->sig.domain);
	cli_set_span(o, "selector", one->sig.selector);
	cli_set_span(o, "algorithm", one->sig.algorithm_text);
	cli_set_text(o, "fault", one->sig.fault);
	if (one->part->kind == SIGNATURE_SEAL)
		cli_set_text(o, "chain", chain_name(one));
	return o;
}

json_t *
explain_arc_json(const struct mail_header *h, struct arena *a)
{
	json_t *o = json_object();
	json_t *list = json_array();
	struct one one;

	for (size_t i = 0; i < h->n; i++)
		if (read_one(&h->fields[i], a, &one))
			json_array_append_new(list, one_json(&one));
	cli_set(o, "fields", list);
	return o;
}

static void
put_one(const struct one *one)
{
	char memory[SENTENCE_MAX];
	struct buf b = buf_over(memory, sizeof(memory));

	if (one->instance > 0)
		buf_printf(&b, "%u. %s", one->instance, one->part->field);
	else
		buf_printf(&b, "?. %s", one->part->field);
	if (one->part->is_results) {
		buf_text(&b, ": what this sealer says it saw");
	} else {
		buf_text(&b, " by ");
		buf_span(&b, one->sig.domain);
		buf_text(&b, ", selector ");
		buf_span(&b, one->sig.selector);
		if (one->part->kind == SIGNATURE_SEAL)
			buf_printf(&b, ": the chain before it %s",
			    one->sig.chain == CHAIN_NONE ? "was none"
				: one->sig.chain == CHAIN_PASS
				? "passed, it says"
				: "failed, it says");
		if (one->sig.fault != NULL)
			buf_printf(&b, "; %s", one->sig.fault);
	}
	cli_prose(2, buf_done(&b));
	if (one->part->is_results)
		cli_prose(6, one->results);
}

/* RFC 8617 section 5.2 */
static void
put_verdict(const struct arc_result *r)
{
	switch (r->code) {
	case ARC_NONE:
		cli_prose_text(2, "The message has no ARC sets.");
		return;
	case ARC_PASS:
		cli_prose_text(2,
		    "Pass: the sets are complete, all seals verify, and so "
		    "does the newest ARC-Message-Signature.");
		if (r->oldest_pass > 1)
			printf("  Before set %u the message was changed: the "
			       "ARC-Message-Signature of set %u does not "
			       "verify.\n",
			    r->oldest_pass, r->oldest_pass - 1);
		return;
	case ARC_FAIL:
	case ARC_TEMPERROR:
		break;
	}
	printf("  %s: ", arc_code_name(r->code));
	cli_put(r->reason);
	putchar('\n');
}

void
explain_arc(
    const struct mail_header *h, const struct arc_result *r, struct arena *a)
{
	struct one one;

	for (size_t i = 0; i < h->n; i++)
		if (read_one(&h->fields[i], a, &one))
			put_one(&one);
	put_verdict(r);
}
