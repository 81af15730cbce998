/* SPDX-License-Identifier: Apache-2.0 */
/* The head is looked at only when its empty line is there, then each byte once. Bytes move while
 * the buffer grows, so between calls only numbers are kept; pointers are made when the request is
 * whole. */
#include "http/parse.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

const char *const http_method_name[HTTP_METHOD_N] = {
        [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",         [HTTP_DELETE] = "DELETE", [HTTP_PATCH] = "PATCH",
        [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "?",
};

enum step { STEP_HEAD, STEP_LENGTH, STEP_CHUNK_SIZE, STEP_CHUNK, STEP_CHUNK_END, STEP_TRAILER };
enum { CHUNK_LINE_MAX = 256, TRAILERS_MAX = 4096 };

static int refuse(int status, const char *why, const char **ret_why)
{
        *ret_why = why;
        return status;
}

static bool is_token(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_value(char c)
{
        return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* "HTTP/" digit "." digit. */
static bool is_version(const char *text)
{
        return strncmp(text, "HTTP/", 5) == 0 && text[5] >= '0' && text[5] <= '9' &&
               text[6] == '.' && text[7] >= '0' && text[7] <= '9' && !text[8];
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_percent_decode(char *text, bool plus)
{
        char *to = text;

        for (const char *from = text; *from; from++) {
                int high, low;

                if (*from == '+' && plus) {
                        *to++ = ' ';
                        continue;
                }
                if (*from != '%') {
                        *to++ = *from;
                        continue;
                }
                high = hex_digit(from[1]);
                low = high < 0 ? -1 : hex_digit(from[2]);
                if (low < 0 || (high == 0 && low == 0))
                        return false;
                *to++ = (char)(high * 16 + low);
                from += 2;
        }
        *to = '\0';
        return true;
}

const char *http_message_field(const struct http_message *m, const char *name)
{
        for (size_t i = 0; i < m->n_fields; i++)
                if (strcmp(m->fields[i].name, name) == 0)
                        return m->fields[i].value;
        return NULL;
}

/* Finds the empty line. A bare LF ends nothing: it is refused when the lines are read. */
static int find_head(struct http_parse *p, const char *bytes, size_t n, const char **ret_why)
{
        size_t from = p->at > 3 ? p->at - 3 : 0;
        const char *end = memmem(bytes + from, n - from, "\r\n\r\n", 4);
        const char *line = memmem(bytes, n < HTTP_LINE_MAX ? n : HTTP_LINE_MAX, "\r\n", 2);

        if (!line && n >= HTTP_LINE_MAX)
                return refuse(414, "The request line is longer than 8192 bytes.", ret_why);
        if (end ? (size_t)(end - bytes) + 4 > HTTP_HEAD_MAX : n >= HTTP_HEAD_MAX)
                return refuse(431, "The header is longer than 16384 bytes.", ret_why);
        p->at = n;
        if (!end)
                return HTTP_MORE;
        p->n_head = (size_t)(end - bytes) + 4;
        p->at = p->n_head;
        return HTTP_DONE;
}

/* "GET /path?query HTTP/1.1", terminated. */
static int read_line(struct http_message *m, char *line, const char **ret_why)
{
        char *target, *version, *c;

        for (c = line; is_token(*c); c++)
                ;
        if (c == line || *c != ' ')
                return refuse(400, "The request line has no method.", ret_why);
        *c = '\0';
        target = c + 1;
        m->method = HTTP_GET;
        while (m->method < HTTP_OTHER && strcmp(http_method_name[m->method], line) != 0)
                m->method++;
        for (c = target; (unsigned char)*c > 0x20 && (unsigned char)*c < 0x7f && *c != '#'; c++)
                ;
        if (c == target || *c != ' ')
                return refuse(400, "The request target is malformed.", ret_why);
        *c = '\0';
        version = c + 1;
        if (!is_version(version))
                return refuse(400, "The request line has no HTTP version.", ret_why);
        if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
                return refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.", ret_why);
        m->keep_alive = version[7] == '1';
        if (strncasecmp(target, "http://", 7) == 0) {
                target = strchr(target + 7, '/');
                if (!target)
                        return refuse(400, "The request target has no path.", ret_why);
        }
        if (*target != '/')
                return refuse(400, "The request target has no path.", ret_why);
        m->path = target;
        c = strchr(target, '?');
        m->query = c ? c + 1 : target + strlen(target);
        if (c)
                *c = '\0';
        return HTTP_DONE;
}

static int read_field(struct http_message *m, char *line, const char **ret_why)
{
        struct http_field *f = &m->fields[m->n_fields];
        char *c = line, *value, *end;

        if (m->n_fields == HTTP_FIELDS_MAX)
                return refuse(431, "There are more than 64 header fields.", ret_why);
        for (; is_token(*c); c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c | 0x20);
        if (c == line || *c != ':')
                return refuse(400, "A header field has a malformed name.", ret_why);
        *c++ = '\0';
        while (is_blank(*c))
                c++;
        value = c;
        while (is_value(*c))
                c++;
        if (*c)
                return refuse(400, "A header field holds a control character.", ret_why);
        for (end = c; end > value && is_blank(end[-1]); end--)
                ;
        *end = '\0';
        f->name = line;
        f->value = value;
        m->n_fields++;
        return HTTP_DONE;
}

static int read_length(struct http_parse *p, const char *value, const char **ret_why)
{
        size_t n = 0;

        if (!*value)
                return refuse(400, "Content-Length is not a number.", ret_why);
        for (const char *c = value; *c; c++) {
                if (*c < '0' || *c > '9')
                        return refuse(400, "Content-Length is not a number.", ret_why);
                if (n <= HTTP_BODY_MAX)
                        n = n * 10 + (size_t)(*c - '0');
        }
        if (n > HTTP_BODY_MAX)
                return refuse(413, "The body is longer than 114688 bytes.", ret_why);
        p->n_body = n;
        p->step = STEP_LENGTH;
        return HTTP_DONE;
}

/* What the fields say about framing: exactly one way to know where the body ends. */
static int read_framing(struct http_parse *p, const char **ret_why)
{
        struct http_message *m = &p->message;
        const char *length = NULL, *coding = NULL;
        int n_lengths = 0, n_codings = 0, n_hosts = 0, r = HTTP_DONE;
        bool http_1_1 = m->keep_alive;

        p->step = STEP_LENGTH;
        for (size_t i = 0; i < m->n_fields && r == HTTP_DONE; i++) {
                const char *name = m->fields[i].name, *value = m->fields[i].value;

                if (strcmp(name, "content-length") == 0) {
                        length = value;
                        n_lengths++;
                } else if (strcmp(name, "transfer-encoding") == 0) {
                        coding = value;
                        n_codings++;
                } else if (strcmp(name, "host") == 0) {
                        n_hosts++;
                } else if (strcmp(name, "connection") == 0) {
                        if (strcasestr(value, "close"))
                                m->keep_alive = false;
                        else if (strcasestr(value, "keep-alive"))
                                m->keep_alive = true;
                } else if (strcmp(name, "expect") == 0) {
                        if (strcasecmp(value, "100-continue") != 0)
                                r = refuse(417, "Only 100-continue can be expected.", ret_why);
                        p->wants_continue = http_1_1;
                }
        }
        if (r != HTTP_DONE)
                return r;
        if (n_hosts > 1 || (http_1_1 && n_hosts == 0))
                return refuse(400, "Exactly one Host field is needed.", ret_why);
        if (n_lengths + n_codings > 1)
                return refuse(400, "The length of the body is given more than once.", ret_why);
        if (coding && strcasecmp(coding, "chunked") != 0)
                return refuse(501, "Only the transfer coding \"chunked\" is known.", ret_why);
        if (coding && !http_1_1)
                return refuse(400, "HTTP/1.0 knows no transfer coding.", ret_why);
        p->chunked = coding != NULL;
        if (coding)
                p->step = STEP_CHUNK_SIZE;
        return length ? read_length(p, length, ret_why) : HTTP_DONE;
}

/* Reads the head in place. The message's texts are valid only until the buffer moves. */
static int read_head(struct http_parse *p, char *bytes, const char **ret_why)
{
        char *line = bytes, *head_end = bytes + p->n_head - 2;
        int r = HTTP_DONE;

        if (memchr(bytes, '\0', p->n_head))
                return refuse(400, "The header holds a NUL byte.", ret_why);
        for (bool first = true; line < head_end && r == HTTP_DONE; first = false) {
                char *end = memmem(line, (size_t)(head_end + 2 - line), "\r\n", 2);

                *end = '\0';
                if (memchr(line, '\n', (size_t)(end - line)) ||
                    memchr(line, '\r', (size_t)(end - line)))
                        return refuse(400, "A line of the header has no CRLF.", ret_why);
                r = first ? read_line(&p->message, line, ret_why)
                          : read_field(&p->message, line, ret_why);
                line = end + 2;
        }
        return r == HTTP_DONE ? read_framing(p, ret_why) : r;
}

/* A line that ends with CRLF at or after 'p->at': its length, or 0 with '*ret' MORE or a status. */
static size_t chunk_line(const struct http_parse *p, const char *bytes, size_t n, int *ret,
                         const char **ret_why)
{
        const char *from = bytes + p->at, *lf = memchr(from, '\n', n - p->at);

        *ret = HTTP_MORE;
        if (!lf && n - p->at > CHUNK_LINE_MAX)
                *ret = refuse(400, "A chunk's size is too long.", ret_why);
        if (!lf)
                return 0;
        if (lf == from || lf[-1] != '\r' || lf - from > CHUNK_LINE_MAX) {
                *ret = refuse(400, "A chunk's size has no CRLF.", ret_why);
                return 0;
        }
        *ret = HTTP_DONE;
        return (size_t)(lf - from) + 1;
}

static int read_chunk_size(struct http_parse *p, const char *line, size_t n, const char **ret_why)
{
        size_t size = 0, i = 0;

        for (; hex_digit(line[i]) >= 0; i++)
                if (size <= HTTP_BODY_MAX)
                        size = size * 16 + (size_t)hex_digit(line[i]);
        if (i == 0 || (line[i] != '\r' && line[i] != ';') || (line[i] == '\r' && i != n - 2))
                return refuse(400, "A chunk's size is not a number.", ret_why);
        if (size > HTTP_BODY_MAX || p->n_body + size > HTTP_BODY_MAX)
                return refuse(413, "The body is longer than 114688 bytes.", ret_why);
        p->chunk_left = size;
        p->step = size ? STEP_CHUNK : STEP_TRAILER;
        return HTTP_DONE;
}

/* Joins the chunks right behind the head. */
static int read_chunks(struct http_parse *p, char *bytes, size_t n, const char **ret_why)
{
        int r = HTTP_DONE;

        while (r == HTTP_DONE && p->at < n) {
                size_t n_line, take = n - p->at < p->chunk_left ? n - p->at : p->chunk_left;

                if (p->step == STEP_CHUNK) {
                        memmove(bytes + p->n_head + p->n_body, bytes + p->at, take);
                        p->n_body += take;
                        p->at += take;
                        p->chunk_left -= take;
                        if (p->chunk_left == 0)
                                p->step = STEP_CHUNK_END;
                        continue;
                }
                n_line = chunk_line(p, bytes, n, &r, ret_why);
                if (r != HTTP_DONE)
                        return r;
                if (p->step == STEP_CHUNK_SIZE) {
                        r = read_chunk_size(p, bytes + p->at, n_line, ret_why);
                } else if (p->step == STEP_CHUNK_END) {
                        if (n_line != 2)
                                return refuse(400, "A chunk is longer than its size.", ret_why);
                        p->step = STEP_CHUNK_SIZE;
                } else if (n_line == 2) {
                        p->at += 2;
                        return HTTP_DONE;
                } else if ((p->chunk_left += n_line) > TRAILERS_MAX) {
                        return refuse(431, "The trailer is longer than 4096 bytes.", ret_why);
                }
                p->at += n_line;
        }
        return r == HTTP_DONE ? HTTP_MORE : r;
}

/* The buffer may have moved since the head was read. */
static void rebase(struct http_message *m, ptrdiff_t by)
{
        m->path += by;
        m->query += by;
        for (size_t i = 0; i < m->n_fields; i++) {
                m->fields[i].name += by;
                m->fields[i].value += by;
        }
}

int http_parse(struct http_parse *p, char *bytes, size_t n, size_t *ret_used, char *ret_saved,
               const char **ret_why)
{
        int r;

        if (p->n_head == 0) {
                r = find_head(p, bytes, n, ret_why);
                r = r == HTTP_DONE ? read_head(p, bytes, ret_why) : r;
                if (r != HTTP_DONE)
                        return r;
                p->base = (uintptr_t)bytes;
        }
        if (p->chunked) {
                r = read_chunks(p, bytes, n, ret_why);
        } else {
                p->at = p->n_head + p->n_body;
                r = n >= p->at ? HTTP_DONE : HTTP_MORE;
        }
        if (r != HTTP_DONE)
                return r;
        rebase(&p->message, (ptrdiff_t)((uintptr_t)bytes - p->base));
        p->message.body = bytes + p->n_head;
        p->message.n_body = p->n_body;
        *ret_used = p->at;
        *ret_saved = bytes[p->at];
        bytes[p->n_head + p->n_body] = '\0';
        return HTTP_DONE;
}
