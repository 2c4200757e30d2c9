/*
 * failure_message.h - writes a failure report as a message: human-readable
 * text, machine-readable fields, and header fields of the reported message (RFC
 * 5965 section 2, RFC 6591, RFC 9991), in the form that sendmail(8) reads, with
 * bare LF.
 */
#ifndef AVOUCH_REPORT_WRITE_FAILURE_MESSAGE_H
#define AVOUCH_REPORT_WRITE_FAILURE_MESSAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "report/store/query.h"
#include "report/write/mime_message.h"

/* Uses all of `letter` except text and file_name.  Returns false if the message
 * could not be written. */
bool failure_letter_write(FILE *out, const struct mime_message *letter,
    const struct ledger_failure *failure);

#endif
