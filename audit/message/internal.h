/* internal.h - shared by message.c and bounce.c. */
#ifndef AVOUCH_AUDIT_MESSAGE_INTERNAL_H
#define AVOUCH_AUDIT_MESSAGE_INTERNAL_H

#include "audit/message/message.h"

/* Adds a finding for `rule`; `section` gives its provider, reply and date. */
void audit_rule_add(struct audit_findings *out, struct arena *a,
    const struct audit_provider_rule *rule, enum audit_severity severity,
    struct span where, struct span value);

#endif
