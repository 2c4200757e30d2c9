#include "verify/own_fields.h"

#include "mail/authres.h"

static const char *const names[OWN_FIELD_KINDS] = {
	[OWN_FIELD_AUTHRES] = "Authentication-Results",
	[OWN_FIELD_QUARANTINE] = "X-Avouch-Quarantine",
};

const char *
own_field_name(enum own_field_kind kind)
{
	return names[kind];
}

void
own_fields_begin(struct own_fields *f, struct span authserv_id)
{
	f->authserv_id = authserv_id;
	for (size_t i = 0; i < OWN_FIELD_KINDS; i++)
		f->seen[i] = 0;
	f->n = 0;
}

static void
list(struct own_fields *f, enum own_field_kind kind)
{
	if (f->n < OWN_FIELDS_MAX)
		f->fields[f->n] = (struct own_field){
			.kind = kind,
			.nth = f->seen[kind],
		};
	f->n++;
}

void
own_fields_note(struct own_fields *f, struct span name, struct span value)
{
	struct span bare = span_trim(name);

	for (unsigned i = 0; i < OWN_FIELD_KINDS; i++) {
		enum own_field_kind kind = (enum own_field_kind)i;

		if (!span_is_nocase(bare, names[i]))
			continue;
		f->seen[i]++;
		if (kind != OWN_FIELD_AUTHRES ||
		    authres_claims(value, f->authserv_id))
			list(f, kind);
		return;
	}
}

size_t
own_fields_listed(const struct own_fields *f)
{
	return f->n < OWN_FIELDS_MAX ? f->n : OWN_FIELDS_MAX;
}
