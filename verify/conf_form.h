/*
 * conf_form.h - a file's text made ready for libconfuse.
 *
 * Outside of quotes the library passes over bytes it has no use for
 * ("**.example.net" would lose its stars), it puts environment variables in the
 * place of ${NAME}, and takes what is open at the end for closed.  All that is
 * a fault here.  Comments, which it counts lines wrongly by and does not take
 * everywhere, are taken out.
 */
#ifndef AVOUCH_VERIFY_CONF_FORM_H
#define AVOUCH_VERIFY_CONF_FORM_H

#include <stdbool.h>

#include "verify/conf_fault.h"

/*
 * `text` is a C string; its comments become blanks, lines stay.  False: a fault
 * of that kind was told; reading on would mislead.
 */
bool conf_form_clean(char *text, struct conf_faults *faults);

#endif
