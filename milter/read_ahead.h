/*
 * read_ahead.h - fewer system calls for the packets that libmilter reads.
 *
 * libmilter reads each packet with five system calls: poll() whether there is
 * one, poll() and read() for its length and command, poll() and read() for the
 * rest.  A small message is some 45 packets, and these calls were half of what
 * it cost.  So read_ahead.c defines accept(), poll(), read() and close() for
 * the whole program, libmilter included.  read() of an MTA's connection also
 * takes what has arrived after the bytes it was asked for, and returns them
 * next time; poll() needs no system call if there are such bytes, or if it has
 * already reported bytes that were not read since.  The byte stream that
 * libmilter sees is the same.
 *
 * This is safe for three reasons.  Only connections from accept() are read
 * ahead, and only if libmilter's poll() comes here too; calls for all other
 * descriptors are passed on.  The bytes belong to the thread that read them:
 * libmilter gives a connection to another thread only after poll() has returned
 * that there is nothing to read.  close() forgets them, and a descriptor that
 * is used again has another number of accept().
 *
 * libmilter_self_test() checks it at start (libmilter_quirks.h).
 */
#ifndef AVOUCH_MILTER_READ_AHEAD_H
#define AVOUCH_MILTER_READ_AHEAD_H

/* For connections accepted from now on: each read() is a system call again. */
void read_ahead_stop(void);

#endif
