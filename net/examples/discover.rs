//! Two nodes on this machine: a signer advertises on one and is found on the other.
//!
//!     cargo run -p ltms-net --example discover

use std::{error::Error, sync::Arc, time::Duration};

use ltms_core::{Criteria, Network, OutPoint, chain::Transaction, wire::Authority};
use ltms_net::{Advertised, Builder, NodeEvent, Offer, chain::DevChain, claim::find_registration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A recorded chain, in which twenty known keys have burned coins. Some blocks on top of it
    // make those burns final. Never use these keys for anything else: everybody has them.
    let chain = Arc::new(DevChain::recorded()?);
    chain.mine_empty(72)?;
    let key = DevChain::recorded_key(0).ok_or("no such key")?;
    let burn = chain.registration_of(&key.public_key()).ok_or("no such burn")?;
    let (vout, ..) = find_registration(&burn.raw).ok_or("no such output")?;
    let outpoint = OutPoint { txid: Transaction::parse(&burn.raw)?.txid(), vout: vout.into() };

    // Each node listens on a free port; the second one dials the first.
    let node = || {
        let builder = Builder::new(Network::Reg, chain.clone()).quick(true);
        Ok::<_, Box<dyn Error>>(builder.listen("/ip4/127.0.0.1/tcp/0".parse()?))
    };
    let signer = node()?.start().await?;
    let seeker = node()?.bootstrap(signer.handle().addresses()[0].clone()).start().await?;
    let mut events = seeker.handle().subscribe();

    // The burn makes an identity, under which the signer advertises for an hour. A node that has
    // only just started may not know yet how deep the burn lies: then it is asked again.
    let handle = signer.handle();
    let identity = loop {
        match handle.register_identity(&key, outpoint).await {
            Ok(identity) => break identity,
            Err(reason) => println!("not yet: {reason}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let authority = Authority { identity, sequence: 0, delegation: None };
    let advertised = handle.advertise_signer(&key, Some(authority), &Offer::default()).await?;
    // Whether the other node has connected by now is a matter of luck, and makes no difference.
    println!("{}", if advertised == Advertised::Published { "published" } else { "waiting" });

    // The other node checks signature, burn and limits itself before it lists the signer.
    while !matches!(events.recv().await?, NodeEvent::Advertised { .. }) {}
    for found in seeker.handle().find_signers(Criteria::default(), 10).await? {
        println!("found {} at {:?}, who burned {}", found.key, found.addresses, found.burned);
    }
    seeker.stop().await;
    signer.stop().await;
    Ok(())
}
