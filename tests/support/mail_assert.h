/*
 * mail_assert.h - what must hold of a message that goes on to its recipients,
 * told by what the MTA of fake_libmilter.h was asked for.
 */
#ifndef AVOUCH_TESTS_SUPPORT_MAIL_ASSERT_H
#define AVOUCH_TESTS_SUPPORT_MAIL_ASSERT_H

#include "lib/span.h"
#include "tests/support/fake_libmilter.h"

/*
 * One Authentication-Results of `id` was put on top, behind all other changes;
 * it reads as it was meant; those that came and say they are of `id` were
 * removed.  No result passes for `locked`, for which nobody may send.
 */
void delivered_check(const SMFICTX *m, struct span id, const char *locked);

/* Every field of that name that came was removed. */
void delivered_without(const SMFICTX *m, const char *name);

#endif
