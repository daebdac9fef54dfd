"""Packets through the network: what each interface on the way sees, what its rules say, and who
gets the packet in the end. Keeps what security groups and NAT gateways remember.

Order of evaluation (VPC guide, "Control subnet traffic"): out of an interface its security groups,
then the ACL of its subnet; into it the ACL, then the groups. ACLs only where a subnet is left or
entered.
"""

from __future__ import annotations

from random import Random

from .addresses import is_private, is_six, within
from .model import Interface, Nat, Subnet, World
from .packet import Drop, Fate, Hop, Packet
from .routing import Next, find_route, next_hop
from .rules import acl_verdict, groups_allow


class Network:
    """needs: filled if `permissive`, which lets everything pass: what rules have to allow."""

    def __init__(self, world: World, rng: Random, *, permissive: bool = False) -> None:
        self.world, self.rng, self.permissive = world, rng, permissive
        self.tracked: set[tuple[object, ...]] = set()
        self.translations: dict[tuple[object, ...], tuple[str, int]] = {}
        self.ports: dict[tuple[object, ...], int] = {}
        self.needs: list[tuple[object, ...]] = []
        self.reject_no_route = False

    def send(self, packet: Packet, origin: Interface | str) -> Fate:
        """origin: the interface that sends it, or an address of the internet."""
        fate = Fate()
        if isinstance(origin, Interface):
            self._leave(origin, packet, fate)
        else:
            self._enter(packet, fate)
        return fate

    # -- out of an interface

    def _leave(self, sender: Interface, packet: Packet, fate: Fate) -> None:
        """A packet leaves an interface, is judged there, and goes where the routes say."""
        if packet.reply and isinstance(packet.via, Interface) and sender.kind != "nlb":
            self._back_through_nlb(sender, packet, fate)
            return
        step = next_hop(self.world, sender.subnet, packet)
        direct = step.kind in ("local", "pcx") and packet.direct
        near = self.world.at(sender.vpc, packet.dst) if step.kind == "local" else None
        inside = near is not None and near.subnet is sender.subnet
        reason = self._block_of(sender, step, packet)
        drop = reason[1] if reason else self._judge(sender, packet, True, inside, direct)
        refused = drop is not None or (step.drop is not None and self._refuses_no_route(step))
        self._hop(sender, packet, True, not refused, fate, step.path, reason and reason[0])
        if drop is not None or step.drop is not None:
            fate.drop = drop or step.drop
            return
        self._onward(sender, packet.moved(direct=direct), step, fate)

    def _refuses_no_route(self, step: Next) -> bool:
        return self.reject_no_route and step.drop is not None and step.drop.cause == "no-route"

    def _block_of(self, sender: Interface, step: Next, packet: Packet) -> tuple[str, Drop] | None:
        """VPC Block Public Access and encryption controls, which reject with a reason."""
        if packet.reply:
            return None
        blocked = sender.subnet.blocked == "block-bidirectional"
        if blocked and step.kind in ("igw", "eigw"):
            return "BPA", Drop("block-public-access", subnet=sender.subnet)
        if step.kind in ("igw", "pcx") and sender.vpc.encryption:
            return "EC", Drop("encryption-control", subnet=sender.subnet)
        return None

    def _onward(self, sender: Interface, packet: Packet, step: Next, fate: Fate) -> None:
        subnet, world = sender.subnet, self.world
        fate.via = step.kind
        if step.kind == "local":
            receiver = world.at(sender.vpc, packet.dst)
            if receiver is None:
                fate.drop = Drop("unknown-destination", subnet=subnet)
            else:
                self._arrive(receiver, packet, subnet, fate)
        elif step.kind in ("igw", "eigw"):
            self._out_of_igw(sender, packet, fate)
        elif step.kind == "nat":
            self._into_nat(world.nats[step.target], sender, packet, fate)
        elif step.kind == "pcx":
            self._across_peering(sender, packet, step.target, fate)
        elif step.kind == "tgw":
            self._across_transit(sender, packet, fate)
        elif step.kind == "eni":
            self._into_middlebox(step.target, sender, packet, fate)
        else:
            fate.delivered, fate.packet = "internet", packet

    def _out_of_igw(self, sender: Interface, packet: Packet, fate: Fate) -> None:
        if is_private(packet.dst):
            fate.drop = self._stray(sender.subnet, packet)
        elif is_six(packet.src):
            fate.delivered, fate.packet = "internet", packet
        elif sender.public is None:
            fate.drop = Drop("no-public-ip", (sender.id,), subnet=sender.subnet)
        else:
            fate.delivered, fate.packet = "internet", packet.moved(src=sender.public)

    # -- gateways and what forwards

    def _into_nat(self, nat: Nat, sender: Interface, packet: Packet, fate: Fate) -> None:
        inner = nat.interface
        fate.zones.append(nat.subnet.zone if nat.subnet else sender.subnet.zone)
        if inner is not None:
            crossing = inner.subnet is not sender.subnet
            drop = self._judge(inner, packet, False, not crossing, False)
            self._hop(inner, packet, False, drop is None, fate, gateway=True)
            if drop is not None:
                fate.drop = drop
                return
        if packet.reply:  # a NAT gateway knows nothing of this connection
            fate.drop = self._stray(sender.subnet, packet)
            return
        port = self._port(nat.id, packet)
        source = inner.address if inner else nat.eip or ""
        out = packet.moved(src=source, sport=port, direct=False)
        self.translations[nat.eip, packet.protocol, port, packet.dst] = (packet.src, packet.sport)
        if inner is None or nat.subnet is None:
            fate.delivered, fate.packet = "internet", out
            return
        step = next_hop(self.world, nat.subnet, out)
        drop = self._judge(inner, out, True, False, False)
        self._hop(inner, out, True, drop is None, fate, step.path)
        if drop is None and step.kind != "igw":
            alike = step.drop if step.drop and step.drop.cause == "no-internet-gateway" else None
            drop = alike or _misplaced(nat)
        elif drop is None and is_private(packet.dst):
            drop = self._stray(sender.subnet, packet)
        elif drop is None and not nat.public:
            drop = _misplaced(nat)
        if drop is not None:
            fate.drop = drop
            return
        fate.delivered, fate.packet = "internet", out.moved(src=nat.eip)

    def _port(self, owner: str, packet: Packet) -> int:
        """The port that a translation takes: ICMP has none."""
        key = owner, packet.protocol, packet.src, packet.sport, packet.dst, packet.dport
        if key not in self.ports:
            self.ports[key] = self.rng.randint(1024, 65535) if packet.sport else 0
        return self.ports[key]

    def _across_peering(self, sender: Interface, packet: Packet, target: str, fate: Fate) -> None:
        peering = self.world.peerings.get(target)
        peer = peering.across(sender.vpc) if peering else None
        if peer is None or not _inside(peer, packet.dst):
            fate.drop = _wrong(sender.subnet, target, packet)
            return
        receiver = self.world.at(peer, packet.dst)
        if receiver is None:
            fate.drop = Drop("unknown-destination", subnet=sender.subnet)
        else:
            self._arrive(receiver, packet, None, fate)

    def _across_transit(self, sender: Interface, packet: Packet, fate: Fate) -> None:
        """AWS, "Network ACLs for transit gateways": the attachment's subnet is judged when it is
        entered from an instance, and when it is left to one."""
        transit = self.world.transit
        here = (
            next((a for a in transit.attachments if a.vpc is sender.vpc), None) if transit else None
        )
        there = (
            next((a for a in transit.attachments if _inside(a.vpc, packet.dst)), None)
            if transit
            else None
        )
        if here is None or there is None or there is here:
            fate.drop = _wrong(sender.subnet, transit.id if transit else "", packet)
            return
        entry = here.interfaces[sender.subnet.zone]
        moved = packet.moved(direct=False)
        if self._pass(entry, moved, False, fate, gateway=True) is not None:
            return
        lost = transit.losses.get(there.vpc.id) if transit else None
        if transit and lost:
            fate.drop = Drop(lost, (transit.id, transit.table_id, here.id, there.id))
            return
        receiver = self.world.at(there.vpc, packet.dst)
        if receiver is None:
            fate.drop = Drop("unknown-destination", subnet=sender.subnet)
            return
        leave = there.interfaces[receiver.subnet.zone]
        if self._pass(leave, moved, True, fate, path=1) is None:
            self._arrive(receiver, moved, leave.subnet, fate)

    def _pass(
        self,
        at: Interface,
        packet: Packet,
        egress: bool,
        fate: Fate,
        path: int | None = None,
        gateway: bool = False,
    ) -> Drop | None:
        drop = self._judge(at, packet, egress, False, packet.direct)
        self._hop(at, packet, egress, drop is None, fate, path, gateway=gateway)
        fate.drop = drop
        return drop

    def _into_middlebox(self, target: str, sender: Interface, packet: Packet, fate: Fate) -> None:
        """An instance that forwards, with its own address as the source (a NAT instance)."""
        box = next((i for i in self.world.interfaces if i.id == target), None)
        if box is None:
            fate.drop = Drop("blackhole-route", (sender.subnet.table.id, target))
            return
        moved = packet.moved(direct=False)
        inside = box.subnet is sender.subnet
        drop = self._judge(box, moved, False, inside, False)
        self._hop(box, moved, False, drop is None, fate, gateway=True)
        if drop is None and box.check:
            drop = Drop("source-dest-check", (box.id,), at=box)
        if drop is None and box.kind != "middlebox":
            drop = _wrong(sender.subnet, target, packet)
        if drop is not None:
            fate.drop = drop
            return
        port = self._port(box.id, packet)
        self.translations[box.address, packet.protocol, port, packet.dst] = (
            packet.src,
            packet.sport,
        )
        self._leave(box, moved.moved(src=box.address, sport=port), fate)

    def _back_through_nlb(self, sender: Interface, packet: Packet, fate: Fate) -> None:
        """A target answers through the load balancer, whatever its route table says."""
        balancer = packet.via
        assert isinstance(balancer, Interface)
        inside = balancer.subnet is sender.subnet
        drop = self._judge(sender, packet, True, inside, False)
        self._hop(sender, packet, True, drop is None, fate, 1)
        if drop is None:
            drop = self._judge(balancer, packet, False, inside, False)
            self._hop(balancer, packet, False, drop is None, fate, gateway=True)
        if drop is not None:
            fate.drop = drop
            return
        self._leave(balancer, packet.moved(src=balancer.address, direct=False), fate)

    def _stray(self, subnet: Subnet, packet: Packet) -> Drop:
        """A route took what is for a private address elsewhere, or an answer to a NAT gateway."""
        route = find_route(self.world, subnet.table, packet.dst)
        table = (subnet.table.id, route.target if route else "")
        default = route is not None and route.dest in ("0.0.0.0/0", "::/0")
        if packet.reply:
            other = "no-route" if default else "wrong-route"
            return Drop("asymmetric-return", table, ((other, table),), subnet=subnet)
        if default:
            return Drop("no-route", table, (("wrong-route", table),), subnet=subnet)
        return Drop("wrong-route", table, subnet=subnet)

    # -- into an interface

    def _enter(self, packet: Packet, fate: Fate) -> None:
        """From the internet: to a public address, or back through a translation."""
        fate.via = "igw"
        inner = self.translations.get((packet.dst, packet.protocol, packet.dport, packet.src))
        nat = next((n for n in self.world.nats.values() if n.eip == packet.dst), None)
        if nat is not None:
            if inner is not None:
                self._out_of_nat(nat, packet, inner, fate)
            return
        receiver = self.world.public_at(packet.dst) or self._by_private(packet)
        if receiver is None:
            return
        vpc = receiver.vpc
        if packet.reply and packet.via == "vpce":
            self._arrive(receiver, packet, None, fate)
            return
        if vpc.igw is None or vpc.igw in self.world.detached:
            fate.drop = Drop("no-internet-gateway", (vpc.igw or "", vpc.id))
            return
        moved = packet if is_six(packet.dst) else packet.moved(dst=receiver.address)
        if receiver.subnet.blocked != "off" and not packet.reply:
            fate.drop = Drop("block-public-access", subnet=receiver.subnet)
            self._hop(receiver, moved, False, False, fate, reason="BPA")
            return
        self._arrive(receiver, moved, None, fate)

    def _by_private(self, packet: Packet) -> Interface | None:
        """The answer of a service behind a gateway endpoint goes to a private address."""
        return next((i for i in self.world.interfaces if i.owns(packet.dst)), None)

    def _out_of_nat(self, nat: Nat, packet: Packet, inner: tuple[str, int], fate: Fate) -> None:
        receiver = self.world.at(nat.vpc, inner[0])
        if receiver is None:
            return
        back = packet.moved(dst=inner[0], dport=inner[1], direct=False)
        gateway = nat.interface
        if gateway is None:
            self._arrive(receiver, back, None, fate)
            return
        outside = packet.moved(dst=gateway.address, direct=False)
        if self._pass(gateway, outside, False, fate) is not None:
            return
        inside = receiver.subnet is gateway.subnet
        drop = self._judge(gateway, back, True, inside, False)
        self._hop(gateway, back, True, drop is None, fate, 1)
        fate.drop = drop
        if drop is None:
            self._arrive(receiver, back, gateway.subnet, fate)

    def _arrive(
        self, receiver: Interface, packet: Packet, origin: Subnet | None, fate: Fate
    ) -> None:
        """Into the interface that owns the address. origin: the subnet it comes from, if any."""
        drop = self._judge(receiver, packet, False, origin is receiver.subnet, packet.direct)
        self._hop(receiver, packet, False, drop is None, fate)
        if drop is not None:
            fate.drop = drop
            return
        inner = self.translations.get((receiver.address, packet.protocol, packet.dport, packet.src))
        if receiver.kind == "middlebox" and packet.reply and inner is not None:
            self._leave(receiver, packet.moved(dst=inner[0], dport=inner[1], direct=False), fate)
            return
        target = receiver.details.get("target")
        if receiver.kind == "nlb" and target is not None and not packet.reply:
            fate.via = receiver
            forwarded = packet.moved(dst=target.address, direct=False)
            if self._pass(receiver, forwarded, True, fate, path=1) is None:
                fate.via = receiver
                self._arrive(target, forwarded, receiver.subnet, fate)
            return
        fate.delivered, fate.packet = receiver, packet

    # -- rules and records

    def _judge(
        self, at: Interface, packet: Packet, egress: bool, inside: bool, direct: bool
    ) -> Drop | None:
        """What groups and ACL say. inside: sender and receiver share the subnet: no ACL."""
        asked = packet.asked(egress)
        key = packet.key(at, egress)
        grouped = at.kind not in ("nat", "tgw") and not (at.kind == "nlb" and not at.groups)
        known = key in self.tracked
        if self.permissive:
            if not inside:
                self.needs.append(("acl", at.subnet, asked, packet.reply))
            if grouped and not known:
                self.needs.append(("group", at, asked, direct))
            self.tracked.add(key)
            return None
        by_group = not grouped or known or groups_allow(self.world, at.groups, asked)
        by_acl = inside or acl_verdict(at.subnet.acl, asked)[0]
        if by_group and by_acl:
            self.tracked.add(key)
            return None
        group = ("security-group", tuple(g.id for g in at.groups))
        acl = ("network-acl", (at.subnet.acl.id,))
        if by_acl or (egress and not by_group):
            return Drop(*group, at=at, subnet=at.subnet, asked=asked)
        return Drop(*acl, at=at, subnet=at.subnet, asked=asked)

    def _hop(
        self,
        at: Interface,
        packet: Packet,
        egress: bool,
        accepted: bool,
        fate: Fate,
        path: int | None = None,
        reason: str | None = None,
        gateway: bool = False,
    ) -> None:
        """gateway: the packet is for somebody else: `dstaddr` shows the interface's own address."""
        src, dst = packet.src, packet.dst
        if egress:
            src = at.shown(src) if at.owns(src) or not is_six(src) else at.address6 or src
        elif gateway and not is_six(dst):
            dst = at.address
        else:
            dst = at.shown(dst)
        fate.hops.append(
            Hop(
                at,
                egress,
                accepted,
                src,
                dst,
                packet.sport,
                packet.dport,
                packet.src,
                packet.dst,
                path if egress else None,
                None if accepted else reason,
            )
        )


def _inside(vpc: object, address: str) -> bool:
    cidrs = (getattr(vpc, "cidr", None), getattr(vpc, "cidr6", None))
    return any(cidr is not None and within(address, cidr) for cidr in cidrs)


def _misplaced(nat: Nat) -> Drop:
    """The gateway's own packet fails for want of a route: as true, if less near to the repair."""
    table = (nat.subnet.table.id,) if nat.subnet else ()
    others = (("no-route", table),) if nat.public else ()
    return Drop("nat-gateway-misplaced", (nat.id, *table), others)


def _wrong(subnet: Subnet, target: str, packet: Packet) -> Drop:
    table = (subnet.table.id, target)
    if packet.reply:
        return Drop("asymmetric-return", table, (("wrong-route", table),), subnet=subnet)
    return Drop("wrong-route", table, subnet=subnet)
