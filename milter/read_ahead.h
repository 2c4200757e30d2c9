/*
 * read_ahead.h - saves system calls when libmilter reads packets.
 *
 * libmilter reads each packet with five system calls: poll() to see whether
 * there is one, poll() and read() for its length and command, and poll() and
 * read() for the rest.  A small message has about 45 packets, and these calls
 * were half of its cost.  So read_ahead.c defines accept(), poll(), read() and
 * close() for the whole program, libmilter included.  On an MTA's connection,
 * read() also fetches bytes that have arrived beyond those requested, and
 * returns them at the next call.  poll() needs no system call if such bytes are
 * left, or if it has already reported data that has not been read yet.  The
 * byte stream that libmilter sees is the same.
 *
 * This is safe for three reasons.  Only connections from accept() are read
 * ahead, and only if libmilter's poll() is replaced as well; calls for all
 * other descriptors are passed on.  The bytes belong to the thread that read
 * them: libmilter gives a connection to another thread only after poll() has
 * reported that there is nothing to read.  close() discards them, and each
 * accepted connection has a new number, so that a reused descriptor is not
 * mistaken for the earlier connection.
 *
 * libmilter_self_test() checks at startup that this works (libmilter_quirks.h).
 */
#ifndef AVOUCH_MILTER_READ_AHEAD_H
#define AVOUCH_MILTER_READ_AHEAD_H

/* Disables read-ahead for connections accepted from now on. */
void read_ahead_stop(void);

#endif
