#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the nouns' texts, with the final NUL. Names are counted in characters at the API (255).
 */

enum {
        ID_SIZE = 37,     /* a UUID's text; "" stands for none */
        NAME_SIZE = 1021, /* 255 characters of up to 4 bytes */
        DESCRIPTION_SIZE = 1021,
        PROJECT_SIZE = 256,
        SITE_SIZE = 64,         /* [a-z0-9-]{1,63} */
        GATEWAY_NAME_SIZE = 64, /* [a-z0-9-]{1,63} */
        TYPE_SIZE = 64,
        DOMAIN_SIZE = 64,
        ADDRESS_SIZE = 128, /* a gateway's WAN address, of its driver's form */
        VIF_ID_SIZE = 256,
        REQUEST_ID_SIZE = 41, /* "req-" and a UUID */
        REASON_SIZE = 513,
        KEY_SIZE = 256,     /* an Idempotency-Key, or a uniqueness key made of ids */
        OBJECT_SIZE = 1025, /* what one end made for the other, in words of ours */
        DIGEST_SIZE = 17,
        HOST_SIZE = 256,
};
