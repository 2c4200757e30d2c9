/*
 * step.h - whether a core has its result or waits for DNS.
 *
 * A core is a pure function that is called again from the start until it
 * returns STEP_DONE; before STEP_WAIT it has asked for all that it can already
 * see that it will need.
 */
#ifndef AVOUCH_LIB_STEP_H
#define AVOUCH_LIB_STEP_H

enum step {
	STEP_WAIT, /* answers are missing; call again when they have come */
	STEP_DONE, /* the result is filled in */
};

#endif
