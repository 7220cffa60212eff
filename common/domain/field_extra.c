#include "domain/device.h"
#include "domain/field.h"

int field_read_extra(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct device *device = object;
    size_t count = 0;

    if (json_kind(value) != JSON_OBJECT)
        return field_wrong_type(reader, name, value, "an object of strings");
    device->extra = pool_array(reader->pool, json_count(value), sizeof(*device->extra));
    if (device->extra == NULL)
        return pool_failed(reader->pool, reader->err);
    for (const struct json *child = json_first(value); child != NULL; child = json_next(child)) {
        if (json_string(child) == NULL)
            return field_wrong_type(reader, name, child, "only strings in it");
        device->extra[count].name = pool_strdup(reader->pool, json_name(child));
        device->extra[count].value = pool_strdup(reader->pool, json_string(child));
        if (device->extra[count].name == NULL || device->extra[count].value == NULL)
            return pool_failed(reader->pool, reader->err);
        count++;
    }
    device->extra_count = count;
    return 0;
}

void field_print_extra(struct buf *out, const struct field *field, const void *object)
{
    const struct device *device = object;
    struct json_out json;

    if (device->extra_count == 0)
        return;
    buf_add(out, field->label, field->label_len);
    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    for (size_t i = 0; i < device->extra_count; i++)
        json_add_string(&json, device->extra[i].name, device->extra[i].value);
    json_end(&json, '}');
}
