/*
 * conf_form.h - what libconfuse would silently read otherwise than it looks.
 *
 * Outside of quotes it passes over bytes it has no use for ("**.example.net"
 * would lose its stars), it puts environment variables in the place of ${NAME},
 * and takes what is open at the end for closed.  All that is a fault here.
 */
#ifndef AVOUCH_VERIFY_CONF_FORM_H
#define AVOUCH_VERIFY_CONF_FORM_H

#include <stdbool.h>

#include "lib/span.h"
#include "verify/conf_fault.h"

/* False: something of that was told; reading on would mislead. */
bool conf_form_check(struct span text, struct conf_faults *faults);

#endif
