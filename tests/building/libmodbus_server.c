/* An independent Modbus device: libmodbus_server tcp PORT | rtu DEVICE.
 *
 * Coils and discrete inputs 0-15, holding registers 0-59, input registers 0-9.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT 7

static modbus_mapping_t *make_registers(void)
{
    modbus_mapping_t *map = modbus_mapping_new(16, 16, 60, 10);
    if (map == NULL)
        return NULL;
    map->tab_bits[3] = 1;
    map->tab_input_bits[5] = 1;
    map->tab_input_registers[2] = (uint16_t)-73;
    map->tab_registers[20] = 415;
    modbus_set_float(48.5f, map->tab_registers + 10);
    modbus_set_float_abcd(20.0f, map->tab_registers + 12);
    return map;
}

static void serve(modbus_t *link, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int length;

    while ((length = modbus_receive(link, query)) != -1)
        if (length > 0 && modbus_reply(link, query, length, map) == -1)
            return;
}

int main(int argc, char **argv)
{
    modbus_mapping_t *map = make_registers();
    modbus_t *link = NULL;
    int listener = -1;
    int tcp = argc == 3 && strcmp(argv[1], "tcp") == 0;

    if (argc != 3 || map == NULL)
        return 2;
    link = tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2]))
               : modbus_new_rtu(argv[2], 19200, 'N', 8, 1);
    if (link == NULL || modbus_set_slave(link, UNIT) == -1)
        return 1;
    if (tcp)
        listener = modbus_tcp_listen(link, 1);
    if ((tcp ? listener : modbus_connect(link)) == -1) {
        fprintf(stderr, "%s: %s\n", argv[2], modbus_strerror(errno));
        return 1;
    }
    puts("READY");
    fflush(stdout);
    do {
        if (tcp && modbus_tcp_accept(link, &listener) == -1)
            return 1;
        serve(link, map);
        /* A line goes on after a frame that is none; a port that is gone does not. */
    } while (tcp || errno == ETIMEDOUT || errno == EMBBADCRC);
    return 0;
}
