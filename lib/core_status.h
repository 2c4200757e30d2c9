/*
 * core_status.h - whether a core has its result or is waiting for DNS.
 *
 * A core is a pure function that is called again from the start until it
 * returns CORE_DONE.  Before it returns CORE_WAIT, it asks every question that
 * it can already foresee.
 */
#ifndef AVOUCH_LIB_CORE_STATUS_H
#define AVOUCH_LIB_CORE_STATUS_H

enum core_status {
	CORE_WAIT, /* answers are missing; call again when they have arrived */
	CORE_DONE, /* the result is complete */
};

#endif
