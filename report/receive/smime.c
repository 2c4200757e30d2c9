#include "report/receive/smime.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

enum { OID_WITHIN = 32 }; /* bytes at the start of a file that show its type */

bool
smime_is(struct span bytes)
{
	static const char oid[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07";
	struct span head = span_first(bytes, OID_WITHIN);

	if (head.n == 0 || head.p[0] != 0x30)
		return false;
	return memmem(head.p, head.n, oid, sizeof(oid) - 1) != NULL;
}

static enum smime_end
refuse_smime(const char **reason, const char *text)
{
	*reason = text;
	return SMIME_END_REFUSED;
}

static enum smime_end
give_content(CMS_ContentInfo *cms, bool (*each)(void *arg, struct span content),
    void *arg, const char **reason)
{
	int type = OBJ_obj2nid(CMS_get0_type(cms));
	ASN1_OCTET_STRING **content;
	struct span bytes;

	if (type == NID_pkcs7_enveloped)
		return refuse_smime(reason,
		    "encrypted with S/MIME; decrypt it before avouch reads it");
	content = type == NID_pkcs7_signed ? CMS_get0_content(cms) : NULL;
	if (type != NID_pkcs7_signed)
		return refuse_smime(
		    reason, "this type of S/MIME cannot contain a report");
	if (content == NULL || *content == NULL)
		return SMIME_END_DETACHED;
	bytes = span_of((const char *)ASN1_STRING_get0_data(*content),
	    (size_t)ASN1_STRING_length(*content));
	return each(arg, bytes) ? SMIME_END_DONE : SMIME_END_STOPPED;
}

enum smime_end
smime_content(struct span bytes, bool (*each)(void *arg, struct span content),
    void *arg, const char **reason)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	CMS_ContentInfo *cms;
	enum smime_end end;

	*reason = NULL;
	if (bytes.n > SMIME_SIZE_MAX)
		return refuse_smime(
		    reason, "an S/MIME file larger than 16 MiB");
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)bytes.n);
	if (cms == NULL) {
		ERR_clear_error();
		return refuse_smime(
		    reason, "S/MIME data that is corrupt or was cut off");
	}
	end = give_content(cms, each, arg, reason);
	CMS_ContentInfo_free(cms);
	return end;
}
