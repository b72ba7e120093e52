// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells the Raspberry Pi's firmware that the next start tries the other slot, once.
 *
 * `reboot "0 tryboot"` is how a release is tried. The Raspberry Pi's own kernel passes the word on to the firmware;
 * Debian's does not know it, so a restart would bring back the running release without a sign of anything wrong.
 * The module is refused where the firmware does not know the flag: who asks for a trial then hears it beforehand.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

/* Tags of the firmware's property mailbox. */
#define GET_REBOOT_FLAGS 0x00030064
#define SET_REBOOT_FLAGS 0x00038064
#define TRYBOOT 1

static struct rpi_firmware *firmware;

static int leaving(struct notifier_block *block, unsigned long action, void *argument)
{
	u32 flags = TRYBOOT;

	if (action != SYS_RESTART || !argument || !strstr(argument, "tryboot"))
		return NOTIFY_DONE;
	if (rpi_firmware_property(firmware, SET_REBOOT_FLAGS, &flags, sizeof(flags)))
		pr_err("the firmware does not try the other slot: this one starts again\n");
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = leaving };

static int __init begin(void)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, "raspberrypi,bcm2835-firmware");
	u32 flags = 0;
	int failed;

	if (!node)
		return -ENODEV;
	firmware = rpi_firmware_get(node);
	of_node_put(node);
	if (!firmware)
		return -ENODEV;
	failed = rpi_firmware_property(firmware, GET_REBOOT_FLAGS, &flags, sizeof(flags));
	if (!failed)
		failed = register_reboot_notifier(&notifier);
	if (failed)
		rpi_firmware_put(firmware);
	return failed;
}

static void __exit end(void)
{
	unregister_reboot_notifier(&notifier);
	rpi_firmware_put(firmware);
}

/* Loaded by udev where there is such firmware. */
static const struct of_device_id hardware[] = {
	{ .compatible = "raspberrypi,bcm2835-firmware" },
	{ }
};
MODULE_DEVICE_TABLE(of, hardware);

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Passes on to the Raspberry Pi's firmware that the next start is a trial");
