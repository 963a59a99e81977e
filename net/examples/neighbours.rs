//! Neighbours of a node on the recorded regtest chain, for looking at its status page: a peer with
//! signers, one that says it runs something a page must not run, and one that gets itself banned.
//!
//!     cargo run -p ltms-net --bin ltms -- node --dev-chain --admin-http 127.0.0.1:8080 …
//!     cargo run -p ltms-net --example neighbours -- MULTIADDR
//!
//! They stay until stdin ends. Once all is as it says, a line on stdout says so.

use std::{error::Error, sync::Arc, time::Duration};

use futures::StreamExt;
use libp2p::{
    Multiaddr, Swarm, identify,
    identity::Keypair,
    metrics::Registry,
    request_response,
    swarm::{NetworkBehaviour, SwarmEvent},
};
use ltms_core::{Network, chain::Transaction, wire::Authority};
use ltms_net::{
    Builder, Node, NodeEvent, Offer,
    behaviour::{
        PROTOCOL_VERSION,
        streams::{self, Direct, Request},
    },
    chain::DevChain,
    claim::find_registration,
    transport::{Executor, swarm_config, transport},
};
use tokio::{io::AsyncReadExt, time::timeout};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(40);
/// What a page that takes a peer's words for markup would run.
const AGENT: &str = "<img src=x onerror=\"document.title='owned'\"><script>owned=1</script>";
/// Identities that advertise.
const SIGNERS: u8 = 4;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(NetworkBehaviour)]
struct Stranger {
    identify: identify::Behaviour,
    direct: Direct,
}

fn stranger(agent: &str) -> Outcome<Swarm<Stranger>> {
    let keypair = Keypair::generate_ed25519();
    let peer = keypair.public().to_peer_id();
    let config = identify::Config::new(PROTOCOL_VERSION.to_owned(), keypair.public());
    let identify = identify::Behaviour::new(config.with_agent_version(agent.to_owned()));
    let transport = transport(&keypair, Network::Reg, &mut Registry::default())?;
    let config = swarm_config(Executor::new(tokio::runtime::Handle::current()));
    Ok(Swarm::new(
        transport,
        Stranger {
            identify,
            direct: streams::behaviour(streams::Codec::default(), streams::TIMEOUT),
        },
        peer,
        config,
    ))
}

/// A node whose identities advertise, connected to the other.
async fn signers(address: &Multiaddr) -> Outcome<Node> {
    let chain = Arc::new(DevChain::recorded()?);
    chain.mine_empty(80)?;
    let listen = "/ip4/127.0.0.1/tcp/0".parse()?;
    let builder = Builder::new(Network::Reg, chain.clone()).quick(true).listen(listen);
    let node = builder.start().await?;
    let handle = node.handle();
    for number in 0..SIGNERS {
        let key = DevChain::recorded_key(number).ok_or("no such key")?;
        let included = chain.registration_of(&key.public_key()).ok_or("no such burn")?;
        let (vout, ..) = find_registration(&included.raw).ok_or("no registration")?;
        let txid = Transaction::parse(&included.raw)?.txid();
        let burn = ltms_core::OutPoint { txid, vout: vout.into() };
        // The node asks for the tip when it starts.
        let registered = async {
            loop {
                match handle.register_identity(&key, burn).await {
                    Ok(identity) => return identity,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let identity = timeout(PATIENCE, registered).await?;
        let authority = Some(Authority { identity, sequence: 0, delegation: None });
        let types = (1..=u16::from(number) + 1).collect();
        handle.advertise_signer(&key, authority, &Offer { types, ..Offer::default() }).await?;
    }
    let mut events = handle.subscribe();
    handle.dial(address.clone()).await?;
    timeout(PATIENCE, async {
        while !matches!(events.recv().await, Ok(NodeEvent::Connected(_))) {}
    })
    .await?;
    Ok(node)
}

/// Connects and stays until the node has heard who this is.
async fn introduce(swarm: &mut Swarm<Stranger>, address: &Multiaddr) -> Outcome<()> {
    use identify::Event::Sent;
    swarm.dial(address.clone())?;
    timeout(PATIENCE, async {
        loop {
            let event = swarm.select_next_some().await;
            if let SwarmEvent::Behaviour(StrangerEvent::Identify(Sent { .. })) = event {
                return;
            }
        }
    })
    .await?;
    Ok(())
}

/// Says nonsense, one thing after the other, until it is thrown out.
async fn misbehave(address: &Multiaddr) -> Outcome<()> {
    use request_response::Event::{Message, OutboundFailure};
    let mut swarm = stranger("junk/1")?;
    introduce(&mut swarm, address).await?;
    let node = *swarm.connected_peers().next().ok_or("not connected")?;
    let say = |swarm: &mut Swarm<Stranger>| {
        let junk = Request::Push(b"no envelope".to_vec());
        swarm.behaviour_mut().direct.send_request(&node, Ok(junk));
    };
    say(&mut swarm);
    timeout(PATIENCE, async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionClosed { .. } => return,
                SwarmEvent::Behaviour(StrangerEvent::Direct(
                    Message { message: request_response::Message::Response { .. }, .. }
                    | OutboundFailure { .. },
                )) if swarm.is_connected(&node) => say(&mut swarm),
                _ => {}
            }
        }
    })
    .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let address: Multiaddr =
        std::env::args().nth(1).ok_or("usage: neighbours MULTIADDR")?.parse()?;
    let node = signers(&address).await?;
    misbehave(&address).await?;
    let mut hostile = stranger(AGENT)?;
    introduce(&mut hostile, &address).await?;
    println!("ready");
    let mut stdin = tokio::io::stdin();
    let mut end = [0];
    tokio::select! {
        _ = stdin.read(&mut end) => {}
        () = async { loop { hostile.select_next_some().await; } } => {}
    }
    node.stop().await;
    Ok(())
}
