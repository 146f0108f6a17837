import time, grpc
from test_faults import *
from client import reason_of
from inventory import get_sample
@pytest.mark.parametrize("disk", ["watermark", "full"])
def test_zz(failing_disk, disk):
    server = failing_disk.start()
    site = Site(Organization(server))
    kept, item = site.biobank.add_stocked_sample("KEPT")
    jobs = site.jobs()
    first = {}
    for person, script, (_, *arguments) in jobs:
        effect, method, request = next(script("REFUSED", *arguments))
        first[effect[0]] = (person, effect, method, request)
    server.order(*(["room", 1_000_000] if disk == "watermark" else ["full"]))
    def tryall(label):
        ok = True
        for kind, (person, _, method, request) in first.items():
            t=time.time()
            try:
                person.raw(method, request.SerializeToString())
                print(label, kind, "OK")
            except grpc.RpcError as e:
                ok = False
                print(label, kind, e.code(), reason_of(e), e.details()[:300], f"{time.time()-t:.2f}")
        return ok
    for i in range(3): tryall(f"full{i}")
    print(get_sample(site.biobank.technician, kept.name).state)
    for name, f in {"patient": lambda: site.clinic.profile(site.clinic.patient), "login": lambda: site.biobank.technician.sign_in_again(), "refresh": lambda: site.biobank.manager.reconnect(server.target)}.items():
        try: print(name, f())
        except grpc.RpcError as e: print(name, e.code(), reason_of(e), e.details()[:300])
    server.order("free")
    t=time.time()
    for i in range(100):
        ok=tryall(f"free{i} {time.time()-t:.1f}")
        if ok: break
        time.sleep(0.3)
    server.stop()
    print(server.verify()[-200:])
    print(server.last_words())
