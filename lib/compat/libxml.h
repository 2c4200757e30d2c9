/*
 * libxml.h - differences between versions of libxml2 since 2.9.
 */
#ifndef AVOUCH_LIB_COMPAT_LIBXML_H
#define AVOUCH_LIB_COMPAT_LIBXML_H

#include <libxml/xmlerror.h>
#include <libxml/xmlversion.h>

/* The argument of a structured error handler has been const since 2.12. */
#if LIBXML_VERSION >= 21200
typedef const xmlError *libxml_error;
#else
typedef xmlError *libxml_error;
#endif

#endif
