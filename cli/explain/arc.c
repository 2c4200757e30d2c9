#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "dkim/signature.h"
#include "lib/buf.h"
#include "lib/enum_names.h"

enum { SENTENCE_MAX = 1024 }; /* bytes; room for three domain names */

/* The three header fields of an ARC set (RFC 8617 section 4.1). */
static const struct arc_field_kind {
	const char *field;
	bool is_results; /* ARC-Authentication-Results, which is not a signature
	                  */
	enum signature_kind signature;
} arc_field_kinds[] = {
	{ "ARC-Seal", false, SIGNATURE_SEAL },
	{ "ARC-Message-Signature", false, SIGNATURE_AMS },
	{ "ARC-Authentication-Results", true, SIGNATURE_AMS },
};

/* A parsed field of an ARC set. */
struct arc_field {
	const struct arc_field_kind *kind;
	unsigned instance; /* i=; 0 if invalid */
	struct span results;
	struct signature sig;
};

/* Returns false if the field is not part of an ARC set or memory ran out. */
static bool
arc_field_read(
    const struct mail_field *f, struct arena *a, struct arc_field *out)
{
	const struct arc_field_kind *kind = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(arc_field_kinds); i++)
		if (span_is_nocase(f->name, arc_field_kinds[i].field))
			kind = &arc_field_kinds[i];
	if (kind == NULL)
		return false;
	*out = (struct arc_field){ .kind = kind, .results = f->value };
	if (kind->is_results) {
		out->instance = signature_instance(&out->results);
		out->results = span_trim(out->results);
		return true;
	}
	if (!signature_read(f->value, kind->signature, a, &out->sig))
		return false;
	out->instance = out->sig.instance;
	return true;
}

static const char *
arc_chain_name(const struct arc_field *field)
{
	switch (field->sig.chain) {
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
arc_field_json(const struct arc_field *field)
{
	json_t *o = json_object();

	cli_set_text(o, "field", field->kind->field);
	cli_set_number(o, "instance", field->instance);
	if (field->kind->is_results) {
		cli_set_span(o, "results", field->results);
		return o;
	}
	cli_set_span(o, "domain", field->sig.domain);
	cli_set_span(o, "selector", field->sig.selector);
	cli_set_span(o, "algorithm", field->sig.algorithm_text);
	cli_set_text(o, "fault", field->sig.fault);
	if (field->kind->signature == SIGNATURE_SEAL)
		cli_set_text(o, "chain", arc_chain_name(field));
	return o;
}

json_t *
explain_arc_json(const struct mail_header *h, struct arena *a)
{
	json_t *o = json_object();
	json_t *list = json_array();
	struct arc_field field;

	for (size_t i = 0; i < h->n; i++)
		if (arc_field_read(&h->fields[i], a, &field))
			json_array_append_new(list, arc_field_json(&field));
	cli_set(o, "fields", list);
	return o;
}

static void
put_arc_field(const struct arc_field *field)
{
	char memory[SENTENCE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (field->instance > 0)
		buf_printf(&b, "%u. %s", field->instance, field->kind->field);
	else
		buf_printf(&b, "?. %s", field->kind->field);
	if (field->kind->is_results) {
		buf_text(&b, ": results as seen by this sealer");
	} else {
		buf_text(&b, " by ");
		buf_span(&b, field->sig.domain);
		buf_text(&b, ", selector ");
		buf_span(&b, field->sig.selector);
		if (field->kind->signature == SIGNATURE_SEAL)
			buf_printf(&b, ": it says that the chain %s",
			    field->sig.chain == CHAIN_NONE       ? "starts here"
				: field->sig.chain == CHAIN_PASS ? "passed"
								 : "failed");
		if (field->sig.fault != NULL)
			buf_printf(&b, "; %s", field->sig.fault);
	}
	cli_prose(2, buf_view(&b));
	if (field->kind->is_results)
		cli_prose(6, field->results);
}

/* Prints the result (RFC 8617 section 5.2). */
static void
put_arc_verdict(const struct arc_result *r)
{
	switch (r->code) {
	case ARC_NONE:
		cli_prose_text(2, "The message has no ARC sets.");
		return;
	case ARC_PASS:
		cli_prose_text(2,
		    "Pass: the sets are complete, and all seals and the newest "
		    "ARC-Message-Signature verify.");
		if (r->oldest_pass > 1)
			printf("  The message was changed before set %u was "
			       "added: the ARC-Message-Signature of set %u "
			       "does not verify.\n",
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
	struct arc_field field;

	for (size_t i = 0; i < h->n; i++)
		if (arc_field_read(&h->fields[i], a, &field))
			put_arc_field(&field);
	put_arc_verdict(r);
}
