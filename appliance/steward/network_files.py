"""The files that make the machine's programs do what `network.json` says. Pure: settings and interfaces in, texts out.

    /run/systemd/network/     for systemd-networkd (systemd.network(5))
    /run/hearth-net/          for wpa_supplicant, hostapd and dnsmasq

What people typed is in them as hex digits, as a derived key, or as an address or a word that was checked: no value can
end its line, begin a comment or add a setting. For what is not wanted there is no file, so a folder is replaced whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.steward.network_settings import AccessPoint, Network, Wifi, Wired

NETWORKD, OTHERS = "/run/systemd/network", "/run/hearth-net"
OWN = "10.77.77"  # the network of the own access point: a private one that no router comes with
OWN_ADDRESS = f"{OWN}.1"
MOST_GUESTS = 10  # on the own access point: what the radio of a Raspberry Pi bears
WIRED_METRIC, WIFI_METRIC = 100, 600  # a cable before the air

# What every network has. The hostname is told to routers, so it is the neutral one; answers to names are the
# appliance's (mDNS) and dnsmasq's, and LLMNR is for nobody here.
_COMMON = """\
LLMNR=no
MulticastDNS=no
IPv4Forwarding=no
IPv6Forwarding=no
LinkLocalAddressing=ipv6
"""
_ASK = """\
[DHCPv4]
SendHostname=yes
Hostname=hearth
UseHostname=no
UseDomains=no
UseTimezone=no
UseNTP=yes
ClientIdentifier=mac
RouteMetric={metric}

[IPv6AcceptRA]
UseDomains=no
RouteMetric={metric}
"""


@dataclass(frozen=True, slots=True)
class Derived:
    """Texts by path, and which programs are to run: units of systemd. What is not among them is stopped."""

    files: Mapping[str, str]
    units: tuple[str, ...]


def derive(network: Network, wired: Sequence[str], wifi: Sequence[str], names: Sequence[str] = ()) -> Derived:
    """`wired`, `wifi`: interfaces by the kernel's names, in order. `names`: checked ones that the box answers to."""
    files = {f"{NETWORKD}/{name}": text for name, text in _wired(network.wired, wired).items()}
    units: list[str] = []
    radio = wifi[0] if wifi else ""
    if radio and network.kind == "wifi" and network.wifi is not None:
        files[f"{NETWORKD}/20-hearth-wifi.network"] = _joined(radio)
        files[f"{OTHERS}/wpa_supplicant-{radio}.conf"] = supplicant(network.wifi)
        units.append(f"wpa_supplicant@{radio}.service")
    if radio and network.kind == "access_point" and network.access_point is not None:
        files[f"{NETWORKD}/20-hearth-own.network"] = _own(radio)
        files[f"{OTHERS}/hostapd-{radio}.conf"] = hostapd(radio, network.access_point)
        units.append(f"hostapd@{radio}.service")
        files[f"{OTHERS}/dnsmasq-guests.conf"] = for_guests(radio)
        units.append("dnsmasq@guests.service")
        wifi = ()
    if names and (wired or wifi):
        files[f"{OTHERS}/dnsmasq-names.conf"] = for_neighbours(names, (*wired, *wifi))
        units.append("dnsmasq@names.service")
    return Derived(files, tuple(units))


# -- systemd-networkd --------------------------------------------------------------------------------------------------


def _wired(wired: Wired, interfaces: Sequence[str]) -> dict[str, str]:
    """Every cable asks for its address; a static one is the first interface's, or any one's where none is known yet."""
    asking = f"[Match]\nType=ether\nKind=!*\n\n[Network]\nDHCP=yes\n{_COMMON}\n{_ASK.format(metric=WIRED_METRIC)}"
    made = {"30-hearth-wired.network": _optional(asking)}
    if wired.addressing == "static":
        match = f"Name={interfaces[0]}" if interfaces else "Type=ether\nKind=!*"
        lines = [f"Address={wired.address}"]
        lines += [f"DNS={one}" for one in wired.dns]
        route = f"\n[Route]\nGateway={wired.gateway}\nMetric={WIRED_METRIC}\n" if wired.gateway else ""
        listed = "\n".join(lines)
        made["10-hearth-static.network"] = _optional(f"[Match]\n{match}\n\n[Network]\n{listed}\n{_COMMON}{route}")
    return made


def _joined(radio: str) -> str:
    text = f"[Match]\nName={radio}\n\n[Network]\nDHCP=yes\nIgnoreCarrierLoss=5s\n{_COMMON}\n"
    return _optional(text + _ASK.format(metric=WIFI_METRIC))


def _own(radio: str) -> str:
    text = f"[Match]\nName={radio}\n\n[Network]\nAddress={OWN_ADDRESS}/24\nConfigureWithoutCarrier=yes\n"
    return _optional(text + _COMMON.replace("LinkLocalAddressing=ipv6", "LinkLocalAddressing=no"))


def _optional(text: str) -> str:
    """No boot waits for a cable that nobody plugged in."""
    return f"{text}\n[Link]\nRequiredForOnline=no\n"


# -- wpa_supplicant and hostapd ----------------------------------------------------------------------------------------


def supplicant(wifi: Wifi) -> str:
    """The one network to join: WPA3 where network and radio know it, else WPA2; open only without any password."""
    password = wifi.password or ""
    lines = [
        f"ssid={hexed(wifi.name)}",
        "scan_ssid=1",
        *(_locked(wifi.name, password) if password else ["key_mgmt=NONE"]),
    ]
    inside = "".join(f"\t{one}\n" for one in lines)
    return (
        f"ctrl_interface=/run/wpa_supplicant\nupdate_config=0\ncountry={wifi.country}\n"
        f"sae_pwe=2\nnetwork={{\n{inside}}}\n"
    )


def _locked(name: str, password: str) -> list[str]:
    if len(password) == 64:  # the key itself, which WPA3 has no use for
        return ["key_mgmt=WPA-PSK WPA-PSK-SHA256", f"psk={password.lower()}", "ieee80211w=1"]
    return [
        "key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE",
        f"psk={key_of(name, password)}",
        f"sae_password={hexed(password)}",
        "ieee80211w=1",
    ]


def hostapd(radio: str, own: AccessPoint) -> str:
    """The own access point. WPA2: the radios of small boards do not offer WPA3, and would offer nothing at all.

    Guests reach the box and not each other; what they say to each other goes through the relay.
    """
    five = own.channel > 14
    return (
        f"interface={radio}\ndriver=nl80211\nctrl_interface=/run/hostapd\n"
        f"ssid2={hexed(own.name)}\nutf8_ssid=1\ncountry_code={own.country}\nieee80211d=1\n"
        f"hw_mode={'a' if five else 'g'}\nchannel={own.channel}\nieee80211n=1\n{'ieee80211ac=1' if five else ''}\n"
        f"wmm_enabled=1\nmax_num_sta={MOST_GUESTS}\nap_isolate=1\nauth_algs=1\nignore_broadcast_ssid=0\n"
        f"wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_psk={key_of(own.name, own.password or '')}\n"
    )


def key_of(name: str, password: str) -> str:
    """The key of a WPA2 network (IEEE 802.11 annex J.4.1), 64 hex digits."""
    if len(password) == 64:
        return password.lower()
    return hashlib.pbkdf2_hmac("sha1", password.encode("ascii"), name.encode(), 4096, 32).hex()


def hexed(text: str) -> str:
    """Unquoted hex digits are what both programs read as the bytes themselves."""
    return text.encode().hex()


# -- dnsmasq -----------------------------------------------------------------------------------------------------------

# Nothing is asked of anybody else, nothing of the machine's own files is told, no name of a guest is kept or logged.
_ANSWERS = """\
port=53
no-resolv
no-hosts
no-poll
no-ident
bind-dynamic
except-interface=lo
local-ttl=60
localise-queries
cache-size=0
user=dnsmasq
"""


def for_guests(radio: str) -> str:
    """For the own access point: addresses for guests, and every name there is leads to the box.

    So the names that telephones ask to see whether there is an internet lead to it too, and `portal/plain.py` answers
    them: else they would leave for the mobile network. Windows also looks for one certain address.
    """
    return (
        f"{_ANSWERS}interface={radio}\n"
        f"dhcp-range={OWN}.20,{OWN}.99,255.255.255.0,2h\ndhcp-authoritative\ndhcp-ignore-names\n"
        f"dhcp-option=option:router,{OWN_ADDRESS}\ndhcp-option=option:dns-server,{OWN_ADDRESS}\n"
        f"dhcp-leasefile={OTHERS}/leases\nquiet-dhcp\nquiet-dhcp6\nquiet-ra\n"
        f"local=/#/\naddress=/#/{OWN_ADDRESS}\naddress=/dns.msftncsi.com/131.107.255.255\n"
    )


def for_neighbours(names: Sequence[str], interfaces: Sequence[str]) -> str:
    """For a local network: the box's own names, each with the box's address there; everything else is refused."""
    lines = [f"interface={one}" for one in interfaces]
    lines += [f"local=/{name}/" for name in names]
    lines += [f"interface-name={name},{one}/4" for name in names for one in interfaces]
    return _ANSWERS + "".join(f"{one}\n" for one in lines)
